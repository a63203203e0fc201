"""The task that `docs/add-a-task.md` writes out is a task."""

import re
from pathlib import Path

import pytest
import torch

from engine.runs.checkpoint_io import load_checkpoint
from tests.contract.data import Points
from tests.processes import ROOT
from tests.tiny import tiny_trainer


def test_the_task_of_the_documentation_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, media, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "add-a-task.md").read_text(), re.DOTALL)
    names: dict = {"__name__": "documented"}
    exec(f"from core.media import Table\n{code}\n{media}", names)  # the method continues the class, which is last
    model = names["Autoencoder"](optimizer=lambda groups: torch.optim.Adam(groups, 0.01))
    trainer = tiny_trainer(tmp_path, logger=False)
    trainer.fit(model, Points())
    run = trainer.run_folder.path
    assert (run / "metrics.csv").read_text().startswith("epoch,step,seconds,lr,")
    assert len((run / "reconstructed.csv").read_text().splitlines()) == 9
    groups = load_checkpoint(run / "checkpoints" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    assert [group["name"] for group in groups] == ["all"]
    assert {group["name"] for group in model.parameter_groups()} == {"weights", "head", "biases"}
    assert re.search(r"val loss [\d.]+ distance \d\.\d{4}", capsys.readouterr().out)
