"""A table of a few short runs, and a kernel for notebooks."""

from pathlib import Path

import pytest
import yaml

from engine.settings.config_files import read_config
from results.__main__ import FOLDER


@pytest.fixture
def forked_kernel() -> type:
    """The manager of a notebook's kernel, which need not import the project."""
    pytest.importorskip("nbclient", reason="the extra `lessons` is not installed")
    from tests.kernels import ForkedKernel

    return ForkedKernel


@pytest.fixture
def folder(tmp_path: Path, config: Path) -> Path:
    """A table of two short rows, of which the cheaper one fails, and a third one that is long."""
    short = yaml.safe_load(config.read_text())
    short["trainer"] |= {"max_epochs": 1}
    short["data"]["init_args"] |= {"source": "auto", "data_dir": "pictures"}
    (tmp_path / "short.yaml").write_text("# Not yet run.\n" + yaml.safe_dump(short))
    short["trainer"] |= {"max_epochs": 0, "max_steps": 0}
    (tmp_path / "broken.yaml").write_text("# Not yet run.\n" + yaml.safe_dump(short))
    row = {
        "network": "a VGG",
        "seeds": [42],
        "published": 50.0,
        "measured_on": "all",
        "config": f"{tmp_path}/short.yaml",
    }
    rows = [
        row | {"id": "long", "minutes": 60},
        row | {"id": "good", "minutes": 2},
        row | {"id": "bad", "minutes": 1, "config": f"{tmp_path}/broken.yaml"},
        row | {"id": "twin", "minutes": 2, "same_as": "good"},
    ]
    (tmp_path / "results").mkdir()
    ours = read_config(FOLDER / "table.yaml")  # in a tenth of the time of PyYAML in Python
    content = {"sections": [{"title": "All", "text": "Text.", "rows": rows}], "recipes": []}
    content |= {"measures": ours["measures"], "folders": {"tiny": {"holds": "pictures", "module": "TinyDataModule"}}}
    (tmp_path / "results" / "table.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "results"
