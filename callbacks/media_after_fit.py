"""Media after `fit`: learning curves, decision surface, gradient flow, and what models and data modules make."""

from collections.abc import Iterator
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from callbacks.media.curves import draw_curves
from callbacks.media.decision_surface import decision_surface
from callbacks.media.gradient_flow import REACH, draw_gradient_flow, has_gradient_flow, measure_gradient_flow, reach
from callbacks.media.isolation import making_media, media_of
from callbacks.media.sink import write_media
from callbacks.media.text_samples import rendered_sample
from callbacks.record import Record
from core.measures import Measure, measures_of
from core.media import Figure, Medium
from core.protocols.general import HasPoints, MakesMediaAfterFit


class FitMedia(Checkpoint):
    """Draws `curves.png`; `decision_surface.png` of points in the plane; `gradient_flow.png` of a recurrent model.

    Gradient flow is drawn for the network as it began and as it ended. How far back that of the trained network reaches
    stands in the run's summary as `train/gradient_reach`.

    (Its base class makes Lightning call it after Record, whose rows it draws.)
    """

    def __init__(self) -> None:
        self.norms: dict[str, Tensor] = {}  # of the gradient by distance in time
        self.measures: tuple[Measure, ...] = ()

    @property
    def state_key(self) -> str:
        """Key of its state in checkpoints, which has been this one from the beginning."""
        return "GradientFlow"

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """States what a recurrent model's run has besides the model's own measures."""
        if stage == "fit":
            self.measures = (REACH,) if has_gradient_flow(pl_module, trainer.datamodule) else ()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measures a network that begins."""
        if trainer.optimizer_steps == 0:
            self._measure(trainer, pl_module, "before training")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measures the trained network, and writes the media."""
        norms = self._measure(trainer, pl_module, "after training")
        if norms is not None:
            trainer.builtin(Record).add_at_end({f"train/{REACH.name}": float(reach(norms))})
        if trainer.is_global_zero:
            with making_media(trainer, pl_module):
                media = list(self._media(trainer, pl_module))
            write_media(trainer, media)

    def _media(self, trainer: Trainer, pl_module: LightningModule) -> Iterator[Medium]:
        step, data = trainer.optimizer_steps, trainer.datamodule
        curves = draw_curves(trainer.builtin(Record).rows, measures_of(pl_module))
        if curves is not None:
            yield Figure(name="curves", step=step, figure=curves)
        if isinstance(data, HasPoints):
            yield Figure(name="decision_surface", step=step, figure=decision_surface(pl_module, data, "train"))
        if self.norms:
            yield Figure(name="gradient_flow", step=step, figure=draw_gradient_flow(self.norms))
        yield from rendered_sample(trainer, pl_module, data)
        for maker in (pl_module, data):
            if isinstance(maker, MakesMediaAfterFit):
                yield from media_of(maker, "media_after_fit", step)

    def _measure(self, trainer: Trainer, pl_module: LightningModule, moment: str) -> Tensor | None:
        norms = measure_gradient_flow(trainer, pl_module, trainer.datamodule)
        if norms is not None:
            self.norms[moment] = norms
        return norms

    def state_dict(self) -> dict[str, Any]:
        """Returns what has been measured."""
        return dict(self.norms)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what a checkpoint's run has measured."""
        self.norms = dict(state_dict)
