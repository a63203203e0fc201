"""Running metrics of adversarial networks: losses of the players, and what a judge measures of samples."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities.data import dim_zero_cat

from core.measures import Measure
from lightning_modules.tasks.metrics import RunningMetrics
from lightning_modules.tasks.sample_measures import class_entropy, frechet_distance, kernel_distance, neighbourhoods

NEIGHBOURS = 3
PLAYERS = ("discriminator", "generator")
LOSSES = (
    Measure("discriminator", "min", words="loss of the discriminator"),
    Measure("generator", "min", words="loss of the generator"),
)
IN_FIT = (
    Measure("frechet", "min", digits=2, words="Frechet distance"),
    Measure("recall", "max", words="recall"),
    Measure("coverage", "max", words="coverage"),
    Measure("entropy", "max", words="class entropy"),
)
OF_SAMPLES = (
    *IN_FIT,
    Measure("kernel", "min", digits=4, words="kernel distance"),
    Measure("precision", "max", words="precision"),
    Measure("density", "max", words="density"),
    Measure("asked", "max", unit="%", digits=2, words="pictures of the class that was asked for"),
    Measure("fid", "min", digits=2, words="FID"),
    Measure("frechet_floor", "min", digits=2, words="Frechet distance of training pictures"),
    Measure("frechet_ceiling", "min", digits=0, words="Frechet distance of noise"),
    Measure("kernel_floor", "min", digits=4, words="kernel distance of training pictures"),
    Measure("kernel_ceiling", "min", digits=1, words="kernel distance of noise"),
    Measure("precision_floor", "max", words="precision of training pictures"),
    Measure("recall_floor", "max", words="recall of training pictures"),
    Measure("density_floor", "max", words="density of training pictures"),
    Measure("coverage_floor", "max", words="coverage of training pictures"),
    Measure("entropy_floor", "max", words="class entropy of real pictures"),
)


class PlayerMetrics(RunningMetrics):
    """Mean losses of the players over the batches of an epoch, by samples, of those that had a turn in it."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        for player in PLAYERS:
            self.add_state(player, torch.tensor(0.0))
            self.add_state(f"{player}_count", torch.tensor(0))

    def update(self, player: str, loss: Tensor, samples: int) -> None:
        """Adds a batch, without synchronizing with the device.

        Args:
            player: Whose turn it was.
            loss: Its mean loss.
            samples: Number of samples.
        """
        self.__dict__["_update_count"] = 1  # torchmetrics checks it to know whether update was called
        getattr(self, player).add_(loss.detach(), alpha=samples)
        getattr(self, f"{player}_count").add_(samples)

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        counts = {player: getattr(self, f"{player}_count") for player in PLAYERS}
        return {player: getattr(self, player) / counts[player] for player in PLAYERS if counts[player] > 0}


class SampleMetrics(PlayerMetrics):
    """Losses of the players, and how alike generated and real pictures are in a judge's features.

    What the judge says of training pictures and of noise in place of generated pictures is computed once.

    Attributes:
        num_classes: Number of the judge's classes.
        bounds: The measures of training pictures and of noise, by name; empty until they are known.
        everything: Whether all measures are computed, instead of those that are shown after an epoch.
    """

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.num_classes = 0
        self.bounds: dict[str, float] = {}
        self.everything = True
        for name in ("index", "asked", "real_classes", "classes", "real", "generated", "floor", "ceiling"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def add(self, **columns: Tensor) -> None:
        """Adds what the judge says of a batch.

        Args:
            columns: `index`, `asked` (classes of the generated pictures, or -1), `real_classes` and `classes` (those
                that the judge sees), int64 [B]; features `real` and `generated`, and, as long as `bounds` is empty,
                those of training pictures, `floor`, and of noise, `ceiling`, float32 [B, D].
        """
        for name, column in columns.items():
            getattr(self, name).append(column)

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        figures: dict[str, Any] = super()._figures(count)
        if not len(self.index):
            return figures
        order = dim_zero_cat(self.index).argsort()  # in which order batches and processes had them changes nothing
        asked, real_classes, classes, real, generated = (
            dim_zero_cat(getattr(self, name))[order].cpu()
            for name in ("asked", "real_classes", "classes", "real", "generated")
        )
        if not self.bounds:
            floor, ceiling = (dim_zero_cat(getattr(self, name))[order].cpu() for name in ("floor", "ceiling"))
            of_training = _likeness(real, floor) | {"entropy": class_entropy(real_classes, self.num_classes)}
            self.bounds = {f"{name}_floor": value for name, value in of_training.items()}
            self.bounds |= {"frechet_ceiling": frechet_distance(real, ceiling)}
            self.bounds |= {"kernel_ceiling": kernel_distance(real, ceiling)}
        likeness = _likeness(real, generated, self.everything) | {"entropy": class_entropy(classes, self.num_classes)}
        if asked[0] >= 0:
            likeness["asked"] = float((classes == asked).float().mean())
        values = likeness | self.bounds
        shown = OF_SAMPLES if self.everything else IN_FIT
        figures |= {measure.name: values[measure.name] for measure in shown if measure.name in values}
        return {name: torch.as_tensor(value, dtype=torch.float32) for name, value in figures.items()}


def _likeness(real: Tensor, generated: Tensor, with_kernel: bool = True) -> dict[str, float]:
    """Returns the measures of features [N, D] and [M, D]; without the kernel distance, unless it is asked for."""
    found = {"frechet": frechet_distance(real, generated)} | neighbourhoods(real, generated, NEIGHBOURS)
    return found | ({"kernel": kernel_distance(real, generated)} if with_kernel else {})
