"""What a run's vocabulary states is the run's, whatever its config says and whatever is given beside it."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from core.errors import InputError
from datamodules.captioned.encoder import CaptionEncoding
from datamodules.pairs.pieces import PairEncoding
from datamodules.text.encoding import Encoding
from engine.runs.arguments_from_run import arguments_from_run
from engine.settings.config_files import read_config
from tests.tiny_captions import TinyCaptions
from tests.tiny_text import DOCUMENTS, TinyDocuments, TinyPairs


@pytest.fixture
def contradictory(
    finished_run: Callable[..., Path], command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A run as earlier releases made it: of another run's vocabulary, and an encoding that was ignored beside it."""
    other = finished_run("other", text=DOCUMENTS, name="documents.yaml")
    Path("documents.yaml").write_text(DOCUMENTS)
    with monkeypatch.context() as earlier:
        earlier.setattr("datamodules.text.encoder.check_given", lambda *_: None)
        fit = ("fit", "--config", "documents.yaml", "--data.vocabulary", other, "--run_dir", "run")
        code, _, errors = command(*fit, "--data.encoding.max_size", 60, "--trainer.max_epochs", 1)
    assert code == 0, errors
    return Path("run")


def test_a_run_whose_encoding_contradicts_its_vocabulary_is_used_and_goes_on(
    contradictory: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    before = (contradictory / "vocabulary.json").read_bytes()
    for words in (("predict", "--input", "the river"), ("test",), ("fit", "--trainer.max_epochs", 2)):
        code, output, errors = command(*words, "--ckpt_path", contradictory)
        assert code == 0, errors
        assert words[0] != "test" or "results are in run" in output
    assert "max_size: 60" in (contradictory / "config.yaml").read_text()
    assert (contradictory / "vocabulary.json").read_bytes() == before


def test_an_encoding_beside_a_run_is_an_error_that_names_the_run(
    contradictory: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    given = ("--ckpt_path", contradictory, "--data.encoding.max_size", 70)
    code, _, errors = command("predict", *given, "--input", "the river")
    assert (code, errors.count("\n")) == (2, 1)
    assert f"--data.encoding.max_size 70: {contradictory.resolve()} keeps to what its vocabulary.json" in errors
    code, _, errors = command("fit", *given)
    assert code == 2
    assert "--data.encoding.max_size 70: this run has 60, and cannot change it" in errors
    code, _, errors = command("predict", *given[:-1], 60, "--input", "the river")
    assert code == 0, errors


def test_the_default_of_an_encoding_beside_a_run_is_an_error_too(contradictory: Path) -> None:
    config = read_config(contradictory / "config.yaml")
    arguments_from_run(contradictory, config)
    config["data"]["init_args"]["encoding"]["max_size"] = Encoding().max_size
    with pytest.raises(InputError, match=r"--data\.encoding\.max_size .*: .*run keeps to what its vocabulary\.json"):
        arguments_from_run(contradictory, config)


def test_what_is_done_anyway_can_be_given(contradictory: Path) -> None:
    config = read_config(contradictory / "config.yaml")
    config["data"]["init_args"]["keep_classes"] = True
    assert arguments_from_run(contradictory, config)["keep_classes"]


def test_an_option_that_a_runs_config_lacks_is_an_error_beside_the_run(contradictory: Path) -> None:
    recorded = read_config(contradictory / "config.yaml")
    now = copy.deepcopy(recorded)
    del recorded["data"]["init_args"]["encoding"]["fill"]
    (contradictory / "config.yaml").write_text(yaml.safe_dump(recorded))
    arguments_from_run(contradictory, now)
    now["data"]["init_args"]["encoding"]["fill"] = not now["data"]["init_args"]["encoding"]["fill"]
    with pytest.raises(InputError, match=r"--data\.encoding\.fill .*: .*run keeps to what its vocabulary\.json states"):
        arguments_from_run(contradictory, now)


def test_each_kind_of_text_leaves_what_it_states_to_a_runs_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").touch()
    taken = {kind: kind.take_over(tmp_path) for kind in (TinyDocuments, TinyCaptions, TinyPairs)}
    assert {one.pop("vocabulary") for one in taken.values()} == {str(tmp_path / "vocabulary.json")}
    assert taken == {
        TinyDocuments: {"encoding": vars(Encoding()), "keep_classes": True},
        TinyCaptions: {"encoding": vars(CaptionEncoding())},
        TinyPairs: {"encoding": vars(PairEncoding()), "reverse_source": False},
    }
