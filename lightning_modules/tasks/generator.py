"""Generators of pictures: the noise that these are made of, averaged weights, samples to look at, and prediction."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.media import Grid, Medium, to_pixels
from core.protocols.export_forms import ExportForm
from core.randomness import generator
from core.ranges import check_range
from lightning_modules.layers.batch_statistics import estimate_statistics
from lightning_modules.tasks.exported_pictures import form_of_noise
from lightning_modules.tasks.generated_media import Strip, between_noises
from lightning_modules.tasks.task import OTHER_WEIGHTS, Task

COLUMNS, ROWS = 10, 8  # of a grid of samples
PIECE = 100  # samples that are made at a time
PIECES = 10  # of these, that statistics of norms are estimated from
WARMUP = 10  # updates of averaged weights, about, before they are averages

Request = tuple[Tensor, Tensor | None]  # noise [B, Z], and classes [B] of a conditional generator


class Generator(Task):
    """Makes pictures of noise.

    A network gives its generator to `take_generator`: a module that makes pictures [B, C, H, W] from -1 to 1 of noise
    [B, Z] and, if it is conditional, classes [B].

    Args:
        num_classes: Number of classes; set from the data.
        conditional: Whether pictures are made of a class that is given.
        noise: `normal`, or `uniform` from -1 to 1.
        noise_size: Numbers of noise that a picture is made of.
        average: Factor on averaged weights in every step, which then make all samples; 0 makes them by the weights as
            they are. Averaged weights get statistics of batch norms of their own.
        samples: Pictures that `predict` makes.
        classes: Numbers or names of the classes that it makes them of, in turn; all if not given.
        sample_seed: Seed of these pictures, each of which is a function of the seed and its number.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    changeable = ("samples", "classes", "sample_seed")
    lacking_formats = OTHER_WEIGHTS

    def __init__(
        self,
        num_classes: int | None = None,
        conditional: bool = False,
        noise: Literal["normal", "uniform"] = "normal",
        noise_size: int = 100,
        average: float = 0.0,
        samples: int = 64,
        classes: list[str | int] | None = None,
        sample_seed: int = 0,
        **training: Any,
    ) -> None:
        check_range("model.average", average, most=1, below=True)
        check_range("model.noise_size", noise_size, 1)
        check_range("model.samples", samples, 1)
        if conditional and not num_classes:
            raise InputError("model.conditional: the data has no classes; set --model.conditional false")
        known = range(num_classes or 0) if conditional else range(0)
        numbers = {one for one in classes or () if not isinstance(one, str)}
        if classes is not None and not (classes and known and numbers <= {*known}):
            there_are = f"0 to {len(known) - 1}" if known else "none, since the model is not conditional"
            raise InputError(f"model.classes is {classes}: the model makes pictures of classes {there_are}")
        super().__init__(**training)
        self.num_classes = num_classes
        self.conditional = conditional
        self.noise = noise
        self.noise_size = noise_size
        self.decay = average
        self.samples = samples
        self.classes = list(known) if classes is None else classes
        self.sample_seed = sample_seed
        self._strip = Strip()

    def take_generator(self, network: nn.Module) -> None:
        """Takes the generator, and a copy of it for averaged weights if there are to be any."""
        self.generator = network
        self.average = deepcopy(network).requires_grad_(False) if self.decay else None

    @property
    def sampler(self) -> nn.Module:
        """The generator that makes samples."""
        return self.generator if self.average is None else self.average

    def forward(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        """Returns samples, float32 [B, C, H, W] from -1 to 1, of noise [B, Z] and classes int64 [B]."""
        return self.sampler(noise, classes).float()

    def draw_noise(self, count: int, rng: torch.Generator | None = None) -> Tensor:
        """Returns noise [count, Z], of a generator on the CPU or else of the one that steps draw from."""
        shape, device = (count, self.noise_size), self.device if rng is None else "cpu"
        if self.noise == "uniform":
            return (torch.rand(shape, generator=rng, device=device) * 2 - 1).to(self.device)
        return torch.randn(shape, generator=rng, device=device).to(self.device)

    def in_turn(self, count: int) -> Tensor | None:
        """Returns classes one after the other, int64 [count]; None unless the generator is conditional."""
        return torch.arange(count, device=self.device) % self.num_classes if self.conditional else None

    @torch.no_grad()
    def update_average(self, steps: int) -> None:
        """Averages the generator's weights in, after so many steps; at first the average follows them fast."""
        factor = min(self.decay, (1 + steps) / (WARMUP + steps))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - factor)

    def prepare_sampler(self) -> None:
        """Gives averaged weights statistics of batch norms of their own."""
        if self.average is not None:
            rng = generator(0, "statistics")
            noises = [self.draw_noise(PIECE, rng) for _ in range(PIECES)]
            estimate_statistics(self.average, noises, lambda noise: self(noise, self.in_turn(len(noise))))

    def on_validation_epoch_start(self) -> None:
        """Resets the metrics, and prepares the generator that makes samples."""
        super().on_validation_epoch_start()
        self.prepare_sampler()

    def on_test_epoch_start(self) -> None:
        """Resets the metrics, and prepares the generator that makes samples."""
        super().on_test_epoch_start()
        self.prepare_sampler()

    def on_predict_epoch_start(self) -> None:
        """Prepares the generator that makes samples."""
        self.prepare_sampler()

    def requests(self, class_names: Sequence[str]) -> list[Request]:
        """Returns the noise of the pictures that `predict` is to make, and their classes, batch by batch.

        Every batch is full, since a smaller one may be rounded otherwise: a picture does not depend on their number.

        Args:
            class_names: Names of the classes, in the order of their numbers; empty if they have none.

        Raises:
            InputError: No class has a name that is asked for.
        """
        count = -(-self.samples // PIECE) * PIECE
        rngs = (generator(self.sample_seed, "picture", number) for number in range(count))
        noise = torch.cat([self.draw_noise(1, rng) for rng in rngs])
        if not self.conditional:
            return [(part, None) for part in noise.split(PIECE)]
        numbers = self._class_numbers(class_names)
        classes = torch.tensor([numbers[place % len(numbers)] for place in range(count)])
        return list(zip(noise.split(PIECE), classes.split(PIECE), strict=True))

    def picture_names(self, class_names: Sequence[str]) -> list[str]:
        """Returns the names of these pictures: a number, before it the class of a conditional generator."""
        numbers = [f"{number:06d}" for number in range(self.samples)]
        if not self.conditional:
            return numbers
        names = [class_names[one] if class_names else str(one) for one in self._class_numbers(class_names)]
        return [f"{names[place % len(names)]}_{number}" for place, number in enumerate(numbers)]

    def _class_numbers(self, class_names: Sequence[str]) -> list[int]:
        """Returns the numbers of the classes that pictures are made of."""
        for one in self.classes:
            if isinstance(one, str) and one not in class_names:
                there_are = ", ".join(class_names) or "no names"
                raise InputError(f"model.classes: there is no class {one}; there are {there_are}")
        return [class_names.index(one) if isinstance(one, str) else one for one in self.classes]

    def export_form(self, data: Any) -> ExportForm:
        """Returns the generator that makes samples, with pixels that come out; see `core.protocols.export_forms`."""
        return form_of_noise(self, data)

    def predict_step(self, batch: Request, batch_idx: int) -> Tensor:
        """Returns pictures of noise, uint8 [B, H, W, C]."""
        return to_pixels(self(*batch), -1, 1)

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Medium]:
        """Yields pictures of noises that stay the same: a grid, a strip over the epochs, and lines between noises.

        (They are a function of no random number but these noises.)
        """
        self.prepare_sampler()
        fixed = generator(0, "grid")
        noise = self.draw_noise(COLUMNS * ROWS, fixed)
        columns = min(COLUMNS, self.num_classes) if self.conditional else COLUMNS
        classes = None if not self.conditional else torch.arange(len(noise), device=self.device) % columns
        pictures = to_pixels(self(noise, classes), -1, 1)
        yield Grid(name="generated", step=step, images=pictures, columns=columns)
        self._strip.add(self.current_epoch, pictures[:columns])
        yield Grid(name="generated_by_epoch", step=step, images=self._strip.images(), columns=columns)
        ends = self.draw_noise(2 * ROWS, fixed).split(ROWS)
        line = between_noises(*(end.cpu() for end in ends), COLUMNS, self.noise == "normal").flatten(0, 1)
        classes = self.in_turn(ROWS)
        kept = None if classes is None else classes.repeat_interleave(COLUMNS)
        yield Grid(
            name="between_noises", step=step, images=to_pixels(self(line.to(self.device), kept), -1, 1), columns=COLUMNS
        )

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keeps the pictures of earlier epochs."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["generated_by_epoch"] = self._strip.state_dict()

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Takes up the pictures of earlier epochs."""
        super().on_load_checkpoint(checkpoint)
        if "generated_by_epoch" in checkpoint:
            self._strip = Strip.of(checkpoint["generated_by_epoch"])
