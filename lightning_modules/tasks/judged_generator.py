"""Generators whose pictures a judge compares with the data's: a classifier of this project, by its features."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.media import Grid, Medium, to_pixels
from core.own_trainer import refuse_other_trainer
from core.protocols.general import HasClasses
from core.protocols.judges import Judge
from core.protocols.pictures import HasImages, NormalizesImages
from core.randomness import generator
from core.ranges import check_range
from core.terminal.console import print_line
from lightning_modules.tasks.generator import Generator
from lightning_modules.tasks.inception import InceptionDistance, distance_signature
from lightning_modules.tasks.sample_measures import nearest
from lightning_modules.tasks.sample_metrics import NEIGHBOURS, OF_SAMPLES, SampleMetrics

LOOKED_UP = 10  # samples whose nearest training pictures are shown
SHOWN = 5  # training pictures beside a sample
SEARCHED = 1000  # training pictures that are compared at a time


class NoisePictures:
    """Pictures of noise one after the other from one seed, of which no more are in memory than are asked for at a time.

    Args:
        seed: The seed.
        shape: Height, width and channels.
    """

    def __init__(self, seed: int, shape: tuple[int, int, int]) -> None:
        self.seed, self.shape = seed, shape
        self._rng, self._drawn = generator(seed, "noise"), 0

    def at(self, places: Tensor) -> Tensor:
        """Returns pictures, uint8 [B, H, W, C], by their places int64 [B]; quickest in ascending order."""
        if int(places.min()) < self._drawn:
            self._rng, self._drawn = generator(self.seed, "noise"), 0
        first, self._drawn = self._drawn, int(places.max()) + 1
        shape = self._drawn - first, *self.shape
        # one draw for each number, in order: in parts they are the same as at once
        return torch.randint(0, 256, shape, generator=self._rng, dtype=torch.uint8)[places - first]


class JudgedGenerator(Generator):
    """Measures how alike generated pictures and the data's are, in validation and test.

    Every measure but the losses is of a judge's features; without a judge the last weights are the best. What real
    pictures reach, and noise, stands beside in `validate` and `test`.

    Args:
        judge: Run of a classifier of this project, by whose features samples are measured.
        val_samples: Samples that are measured in a validation, at most as many as it has pictures.
        test_samples: Samples that are measured in a test, likewise.
        fid: Whether a test also logs `fid`, by the Inception network that others use, which has to be there or to be
            downloaded. It compares as many samples with the first `test_samples` pictures of the test split; published
            ones mostly compare 50,000 samples with the training pictures, and cannot be compared with it.
        training: What `Generator` and `Task` take, such as `conditional` and `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    paths = ("judge",)
    changeable = ("judge", "fid", *Generator.changeable)
    monitor: str | None = "val/frechet"
    in_channels: int
    image_size: int

    def __init__(
        self,
        judge: str | None = None,
        val_samples: int = 2000,
        test_samples: int = 10_000,
        fid: bool = False,
        **training: Any,
    ) -> None:
        check_range("model.val_samples", val_samples, 1)
        check_range("model.test_samples", test_samples, 1)
        super().__init__(**training)
        self.val_metrics, self.test_metrics = SampleMetrics(), SampleMetrics()
        self.judge = judge
        self.val_samples = val_samples
        self.test_samples = test_samples
        if judge is None:
            self.monitor = None  # the last weights are the best
        self._judges: list[Judge] = []  # a list, so that the judge is no part of this network
        self.fid = fid
        self._inception: InceptionDistance | None = None
        self._judge_before: str | None = None  # digest of the one that a run had before
        self._noise: NoisePictures | None = None  # while an evaluation asks for it

    def setup(self, stage: str) -> None:
        """Checks that pictures are scaled as generated ones are.

        Raises:
            InputError: They are not, or the trainer is Lightning's own, which hands in no judge.
        """
        refuse_other_trainer(self.trainer, type(self).__name__)
        data = self.trainer.datamodule
        if stage != "predict" and isinstance(data, NormalizesImages) and data.normalization.kind != "symmetric":
            raise InputError(
                f"data.normalization is {data.normalization.kind}: generated pictures are from -1 to 1; set "
                "--data.normalization symmetric"
            )

    def take_judge(self, judge: Judge) -> None:
        """Takes the judge.

        Raises:
            InputError: It judges other pictures, or is not the one that this run had before.
        """
        data, where = self.trainer.datamodule, f"model.judge {self.judge}"
        if judge.in_channels != self.in_channels:
            raise InputError(f"{where}: it reads {judge.in_channels} channels, and pictures have {self.in_channels}")
        if isinstance(data, HasClasses) and tuple(data.class_names) != tuple(judge.class_names):
            theirs, ours = (", ".join(one.class_names) for one in (judge, data))
            raise InputError(f"{where}: it is a judge of {theirs}, and the data has {ours}")
        if self.trainer.state.fn == "fit" and self._judge_before not in (None, judge.digest):
            raise InputError(f"{where}: until now another one measured this run, of digest {self._judge_before}")
        self._judges = [judge.to(self.device)]
        for metrics in (self.val_metrics, self.test_metrics):
            metrics.num_classes, metrics.bounds = len(judge.class_names), {}

    def signatures(self) -> dict[str, str]:
        """Returns what the measures of samples depend on, by measure."""
        is_measured = self._judges or self.fid
        sizes = getattr(self.trainer.datamodule, "sizes", None) if is_measured else None
        if sizes is None:
            return {}
        val, test = min(self.val_samples, sizes["val"]), min(self.test_samples, sizes["test"])
        found = {"fid": distance_signature(test)} if self.fid else {}
        if self._judges:
            text = f"{self._judges[0].signature}; {val:,} samples in validation, {test:,} in test, "
            text += f"{NEIGHBOURS} neighbours"
            found |= {measure.name: text for measure in OF_SAMPLES if measure.name != "fid"}
        return found

    def on_validation_epoch_start(self) -> None:
        """Resets the metrics, and prepares the generator that makes samples."""
        super().on_validation_epoch_start()
        self.val_metrics.everything = self.trainer.state.fn != "fit"

    def on_validation_epoch_end(self) -> None:
        """Logs the metrics; says once what real pictures reach, and noise."""
        was_known = bool(self.val_metrics.bounds)
        self._noise = None
        super().on_validation_epoch_end()
        if self.trainer.sanity_checking:
            self.val_metrics.bounds = {}  # of fewer samples than an epoch has
        if (bounds := self.val_metrics.bounds) and not was_known and self.trainer.state.fn == "fit":
            print_line(
                f"judge    {self._judges[0].signature}: Frechet distance {bounds['frechet_floor']:.2f} of training "
                f"pictures, {bounds['frechet_ceiling']:,.0f} of noise"
            )

    def on_test_epoch_start(self) -> None:
        """Resets the metrics, and prepares the generator that makes samples."""
        super().on_test_epoch_start()
        self._inception = InceptionDistance() if self.fid else None

    def on_test_epoch_end(self) -> None:
        """Logs the metrics, and says what they depend on."""
        self._noise = None
        super().on_test_epoch_end()
        if self._inception is not None:
            self.log("test/fid", self._inception.compute())
            self._inception = None
        # measures of one judge have one signature
        for text, name in {text: name for name, text in self.signatures().items()}.items():
            print_line(f"{'fid' if name == 'fid' else 'judge':<8} {text}")

    def evaluate(self, batch: Any, metrics: SampleMetrics) -> Tensor:
        """Makes as many samples as there are pictures in a batch, lets the judge compare them, and returns them."""
        limit = self.test_samples if metrics is self.test_metrics else self.val_samples
        chosen = batch.index < limit
        real, index = batch.images[chosen], batch.index[chosen].cpu()
        if not len(index):
            return real
        classes = batch.targets[chosen] if self.conditional else None
        noise = self.draw_noise(limit, generator(self.trainer.seed, "samples"))
        samples = self(noise[index.to(self.device)], classes)
        pictures = {"real": to_pixels(real, -1, 1), "generated": to_pixels(samples, -1, 1)}
        if self._inception is not None:
            for name, images in pictures.items():
                self._inception.update(images.to(self.device), real=name == "real")
        if self._judges:
            if not metrics.bounds:
                pictures |= self._bounds(index)
            judged = {name: self._judges[0](images) for name, images in pictures.items()}
            seen = judged["generated"][1]
            metrics.add(
                **{name: features for name, (features, _) in judged.items()},
                index=index.to(self.device),
                asked=torch.full_like(seen, -1) if classes is None else classes,
                real_classes=judged["real"][1],
                classes=seen,
            )
        return samples

    def _bounds(self, index: Tensor) -> dict[str, Tensor]:
        """Returns training pictures, and pictures of noise, for places in a split, uint8 [B, H, W, C]."""
        data, seed = self.trainer.datamodule, self.trainer.seed
        order = torch.randperm(data.sizes["train"], generator=generator(seed, "training pictures"))
        self._noise = self._noise or NoisePictures(seed, (self.image_size, self.image_size, self.in_channels))
        return {"floor": data.images_of("train", order[index % len(order)]), "ceiling": self._noise.at(index)}

    def media_after_fit(self, step: int) -> Iterator[Medium]:
        """Yields samples, each followed by the training pictures that are nearest to it, by the judge or by pixels."""
        data = self.trainer.datamodule
        if not isinstance(data, HasImages):
            return
        self.prepare_sampler()
        samples = to_pixels(self(self.draw_noise(LOOKED_UP, generator(0, "grid")), self.in_turn(LOOKED_UP)), -1, 1)
        parts = (data.images_of("train", places) for places in torch.arange(data.sizes["train"]).split(SEARCHED))
        found = nearest(self._features(samples), map(self._features, parts), SHOWN)
        beside = data.images_of("train", found.flatten()).unflatten(0, found.shape)  # [N, SHOWN, H, W, C]
        rows = torch.cat([samples[:, None], beside], 1)
        yield Grid(name="nearest_training_pictures", step=step, images=rows.flatten(0, 1), columns=rows.shape[1])

    def _features(self, pictures: Tensor) -> Tensor:
        """Returns what pictures are compared by, float32 [N, D]."""
        return self._judges[0](pictures)[0].cpu() if self._judges else pictures.cpu().flatten(1).float()

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Keeps which judge has measured the run."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["judge"] = self._judges[0].digest if self._judges else self._judge_before

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Notes which judge has measured the run."""
        super().on_load_checkpoint(checkpoint)
        self._judge_before = checkpoint.get("judge")
