"""Lightning's Trainer, with checks before it trains."""

from typing import Any

import pytorch_lightning as pl

from engine.checkpoint_contents import check_contents


class Stages(pl.Trainer):
    """Runs the stages fit, validate, test and predict."""

    saves_checkpoints: bool

    def _run_stage(self) -> Any:
        """Runs a stage, once it is sure that its checkpoints can be read again."""
        if self.training and self.saves_checkpoints:
            check_contents(self)
        return super()._run_stage()
