"""What a language model writes after a test, measured by the data module that knows what such texts should be like."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.media.isolation import making_media
from callbacks.media.sink import write_media
from callbacks.media_after_test import measured_step
from core.epochs import tests_all
from core.measures import Measure
from core.protocols.writing import JudgesTexts, WritesText, WritingRules
from core.randomness import generator


class WrittenTexts(Callback):
    """Lets a model write in `test`, and logs what is measured of its texts; their media go where the test's do."""

    def __init__(self) -> None:
        self.measures: tuple[Measure, ...] = ()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Asks whether texts are to be judged."""
        data = trainer.datamodule
        judges = isinstance(data, JudgesTexts) and isinstance(pl_module, WritesText)
        self.measures = data.text_measures if judges else ()
        self._nats = torch.zeros((), device=pl_module.device)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Adds up the losses of the test texts."""
        if self.measures:
            self._nats += outputs * (batch.targets >= 0).sum()

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes, and logs what is measured; every process does so, with the same random numbers."""
        if not self.measures:
            return
        nats = float(trainer.strategy.reduce(self._nats, reduce_op="sum")) if tests_all(trainer) else None
        rng = generator(trainer.seed, "written")

        def write(primes: Tensor, rules: WritingRules) -> Tensor:
            return pl_module.write(primes.to(pl_module.device), pl_module.length, rng, rules)

        with making_media(trainer, pl_module):
            values = trainer.datamodule.judge(write, nats)
        for name, value in values.items():
            pl_module.log(f"test/{name}", value, rank_zero_only=True)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the media of the texts."""
        if self.measures and trainer.is_global_zero and (trainer.run_folder is not None or trainer.loggers):
            write_media(trainer, trainer.datamodule.media_of_texts(measured_step(trainer)))
