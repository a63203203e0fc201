"""What the parser of the command reads and prints."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.files.plain_yaml import load_plain
from engine.cli.merged_settings import merged_settings
from engine.settings.recorded_config import LINKED

OWN, OTHERS = "tests.tiny.TinyDataModule", "tests.foreign.other_package.data.Pictures"


@pytest.mark.parametrize(("data", "given"), [(OWN, []), (OTHERS, ["--model.num_classes", 5, "--wandb_group", "1e-3"])])
def test_what_is_printed_as_a_config_is_one(
    data: str, given: list[object], tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """Sizes that the user gave were left out, and `ckpt_path` belongs to a call."""
    options = ["--model", "lightning_modules.VGG", "--data", data, *given]
    code, printed, errors = command("fit", *options, "--run_dir", "run", "--print_config")
    assert code == 0, errors
    settings = load_plain(printed)
    assert not {"ckpt_path", "run_dir", "weights_only"} & settings.keys()
    sizes = {name: value for name, value in settings["model"]["init_args"].items() if name in LINKED}
    assert sizes.get("num_classes") == (5 if given else None)
    assert given or not sizes
    (tmp_path / "printed.yaml").write_text(printed)
    recorded = merged_settings(["fit", "--config", "printed.yaml"])
    assert recorded == merged_settings(["fit", *map(str, options)])
    assert recorded["wandb_group"] == ("1e-3" if given else None)
