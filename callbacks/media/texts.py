"""What a model makes of text, for people to read: samples of its writing, and a table of predictions."""

import csv
import io
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from core.atomic_files import write_atomically
from core.evaluation_mode import evaluation_mode
from core.predictions import classified, excerpt
from core.randomness import generator

SAMPLE = 300  # symbols written after each epoch
CELL = 300  # letters of a text in a table


class Texts(Checkpoint):
    """Writes `samples.txt` after each epoch of a model that can write, and `predictions.csv` after a text model's test.

    The samples all begin as the validation text does. TensorBoard and Weights & Biases get both.

    (Its base class makes Lightning call it before RunCheckpoint saves.)
    """

    def __init__(self) -> None:
        self.samples: list[tuple[int, str]] = []  # epoch, from 1, and text
        self._probabilities: dict[int, Tensor] = {}  # of the examples, by their place in the test set

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lets the model write, on the first process."""
        if not hasattr(pl_module, "write") or not trainer.is_global_zero:
            return
        data = trainer.datamodule
        prime = data.first_prime()
        symbols = torch.tensor([data.vocabulary.ids(prime)], device=pl_module.device)
        rng = generator(trainer.seed, "sample", trainer.current_epoch)
        with evaluation_mode(pl_module), trainer.precision_plugin.forward_context():
            written = pl_module.write(symbols, SAMPLE, rng)[0]
        text = prime + data.decode(written)
        self.samples.append((trainer.current_epoch + 1, text))
        if trainer.run_folder is not None:
            parts = [f"=== epoch {epoch}\n{text}\n" for epoch, text in self.samples]
            write_atomically(trainer.run_folder.path / "samples.txt", "\n".join(parts))
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):  # four spaces make it verbatim
                verbatim = "".join(f"    {line}\n" for line in text.split("\n"))
                logger.experiment.add_text("sample", verbatim, trainer.optimizer_steps)
            elif isinstance(logger, WandbLogger):
                rows = [[epoch, sample] for epoch, sample in self.samples]
                logger.log_text("samples", columns=["epoch", "text"], data=rows)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets an earlier test."""
        self._probabilities = {}

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps the probabilities of the documents that are shown."""
        shown = getattr(trainer.datamodule, "examples", {})
        if shown:
            places = batch.index.tolist()
            found = [row for row, place in enumerate(places) if place in shown]
            self._probabilities |= {places[row]: outputs[row].cpu() for row in found}

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the table."""
        data = trainer.datamodule
        examples: dict[int, str] = getattr(data, "examples", {})
        if not examples or trainer.run_folder is None:
            return
        found = [self._probabilities]
        if trainer.world_size > 1:
            found = [{}] * trainer.world_size
            torch.distributed.all_gather_object(found, self._probabilities)
        by_place = {place: row for rank in found for place, row in rank.items()}
        places = sorted(by_place)
        if not places or not trainer.is_global_zero:
            return
        texts = [excerpt(examples[place], CELL) for place in places]
        table = classified("text", texts, torch.stack([by_place[place] for place in places]), data.class_names)
        truths = [data.class_names[target] for target in data.splits["test"].targets[places].tolist()]
        header = ["text", "truth", *table.header[1:]]
        rows = [[row[0], truth, *row[1:]] for row, truth in zip(table.rows, truths, strict=True)]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        write_atomically(trainer.run_folder.path / "predictions.csv", text.getvalue())
        if trainer.uses_tensorboard:  # whose logger is of a fit alone
            from torch.utils.tensorboard import SummaryWriter  # takes a second, which a start need not wait for

            lines = ["|".join(["", *(cell.replace("|", "\\|") for cell in row), ""]) for row in [header, *rows]]
            with SummaryWriter(trainer.run_folder.path / "tensorboard") as board:
                table = "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])
                board.add_text("predictions", table, trainer.optimizer_steps)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_text("predictions", columns=header, data=rows)

    def state_dict(self) -> dict[str, Any]:
        """Returns the samples of the epochs so far."""
        return {"samples": self.samples}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the samples of a checkpoint's epochs."""
        self.samples = [tuple(sample) for sample in state_dict["samples"]]
