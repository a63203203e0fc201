"""What a command line means, before torch is imported."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InputError
from engine.settings.arguments import parse_command_line

ROOT = Path(__file__).parents[3]


# Command lines that are answered at once, and the exit codes of the answers.
QUICK = {
    ("--help",): 0,
    ("fit",): 2,
    ("fti",): 2,
    ("fit", "--config", "vgg_nb.yaml"): 2,
    ("fit", "vgg_bn"): 2,
}


def test_quick_answers_come_without_torch() -> None:
    code = f"""
import sys, cli
codes = [cli.main([*words]) for words in {[*QUICK]}]
print(codes, [name for name in ("engine.settings.arguments", "torch", "pytorch_lightning") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{[*QUICK.values()]} ['engine.settings.arguments']"


def test_a_broken_config_is_told_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [1")
    with pytest.raises(InputError, match="broken YAML"):
        parse_command_line(["fit", "--config", "broken.yaml"])


@pytest.mark.parametrize("words", [["--config", "tiny.yaml"], ["--config=tiny.yaml"], ["-c=tiny.yaml"]])
def test_a_config_may_be_joined_to_its_option(words: list[str], config: Path) -> None:
    understood = parse_command_line(["fit", *words, "--model.dropout=0.3", "--trainer.max_epochs", "1"])
    assert understood.options == ["--config", str(config), "--model.dropout=0.3", "--trainer.max_epochs", "1"]
    assert understood.name == "tiny"


def test_what_the_user_set_is_known_by_key(config: Path) -> None:
    given = parse_command_line(
        ["fit", "-c", str(config), "--model.init_args.dropout", "0.3", "--model.optimizer.lr=1"]
    ).given
    assert given["model.dropout"] == "0.3"
    assert given["model.optimizer.lr"] == "1"
    assert given["trainer.max_epochs"] == 3


def test_what_flags_set_is_known_apart_from_configs(config: Path) -> None:
    words = ["--model.init_args.dropout=0.3", "--trainer", "{precision: 64-true, devices: 1}", "--data", "{broken"]
    flagged = parse_command_line(["fit", "-c", str(config), *words]).flagged
    assert flagged == {"model.dropout", "trainer", "trainer.precision", "trainer.devices", "data"}


@pytest.mark.parametrize("begun_with", [None, "/somewhere/weights.pth"])
def test_a_config_beside_a_checkpoint_may_tell_how_its_run_began(
    begun_with: str | None, run: Path, config: Path
) -> None:
    text = config.read_text() + f"weights: {begun_with or 'null'}\nrun_dir: {run}\n"
    config.write_text(text)
    for words, given in (([], []), (["--weights", "null"], []), (["--weights=other.pth"], ["weights"])):
        found = parse_command_line(["fit", "-c", str(config), "--ckpt_path", str(run), *words]).given
        assert [key for key in found if key in ("run_dir", "weights")] == given
    new = parse_command_line(["fit", "-c", str(config)]).given
    assert (new["weights"], new["run_dir"]) == (begun_with, str(run))


@pytest.mark.parametrize("name", ["ckpt_path", "config"])
def test_a_config_names_no_other_file_that_is_to_be_read(name: str, run: Path, config: Path) -> None:
    """A run was continued so, and no check of a continued run was made."""
    text = config.read_text()
    config.write_text(f"{name}: null\n{text}")
    assert parse_command_line(["fit", "-c", str(config)]).checkpoint is None
    config.write_text(f"{name}: {run}\n{text}")
    told = f"tiny.yaml, line 1: {name}: is an option of one call, and no setting: give --{name} instead"
    for words in ([], ["--ckpt_path", str(run)]):
        with pytest.raises(InputError, match=re.escape(told)):
            parse_command_line(["fit", "-c", str(config), *words])
    config.write_text(f"<<: {{{name}: {run}}}\n{text}")  # which YAML merges
    with pytest.raises(InputError, match=re.escape(f"tiny.yaml: {name}: is an option of one call")):
        parse_command_line(["fit", "-c", str(config)])


def test_fit_without_a_config_lists_them() -> None:
    with pytest.raises(InputError, match=r"fit needs --config NAME, one of\n  start with +vgg_bn\.yaml"):
        parse_command_line(["fit"])
    assert parse_command_line(["fit", "--help"]).options == ["--help"]
    for option in ("--model.help", "--data.help"):
        assert parse_command_line(["fit", option, "a.Class"]).options == [option, "a.Class"]


@pytest.mark.parametrize("subcommand", ["validate", "test", "predict"])
def test_measuring_needs_a_checkpoint_or_a_config(subcommand: str, config: Path) -> None:
    with pytest.raises(InputError, match=f"{subcommand} needs --ckpt_path, a run folder or .*; or --config"):
        parse_command_line([subcommand])
    assert parse_command_line([subcommand, "--config", str(config), "--weights", "a.pth"]).checkpoint is None
    if subcommand != "predict":
        assert parse_command_line([subcommand, "--config", str(config)]).checkpoint is None


# Checkpoints and runs


@pytest.mark.parametrize(
    ("subcommand", "file"),
    [("fit", "last.ckpt"), ("validate", "best.ckpt"), ("test", "best.ckpt"), ("predict", "best.ckpt")],
)
@pytest.mark.parametrize("joined", [True, False])
def test_a_run_stands_for_its_checkpoint_and_config(subcommand: str, file: str, joined: bool, run: Path) -> None:
    understood = parse_command_line(
        [subcommand, f"--ckpt_path={run}"] if joined else [subcommand, "--ckpt_path", str(run)]
    )
    assert understood.checkpoint == run / "checkpoints" / file
    assert understood.run == run
    assert understood.name == "tiny"
    assert understood.options == ["--config", str(run / "config.yaml"), "--ckpt_path", str(understood.checkpoint)]


def test_a_lone_checkpoint_needs_a_config(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "deeper"
    folder.mkdir(parents=True)
    (folder / "lone.ckpt").touch()
    with pytest.raises(InputError, match=r"no config.yaml beside it; name one with --config"):
        parse_command_line(["test", "--ckpt_path", str(folder / "lone.ckpt")])
    understood = parse_command_line(["test", "--config", str(config), "--ckpt_path", str(folder / "lone.ckpt")])
    assert (understood.run, understood.checkpoint) == (None, folder / "lone.ckpt")


@pytest.mark.parametrize("content", ["", "a: [1", "\0\0", "[1]"])
def test_a_damaged_config_of_a_run_does_not_hinder_its_checkpoints(content: str, run: Path, config: Path) -> None:
    (run / "config.yaml").write_text(content)
    words = ["fit", "--config", str(config), "--ckpt_path", str(run)]
    with pytest.raises(
        InputError, match=r"config\.yaml.*; rename this file, .* --config NAME --ckpt_path .*" + run.name
    ):
        parse_command_line(words)
    (run / "config.yaml").rename(run / "config.damaged.yaml")
    assert parse_command_line(words).checkpoint == run / "checkpoints" / "last.ckpt"


def test_a_checkpoint_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="--ckpt_path nowhere: no such run folder or checkpoint file"):
        parse_command_line(["fit", "--ckpt_path", "nowhere"])
    with pytest.raises(InputError, match=r"^nowhere: no such run folder"):
        parse_command_line(["inspect", "nowhere"])


def test_settings_are_laid_out_from_last_to_first(run: Path, config: Path) -> None:
    """Flag, then --config, then the run's config: the parser takes them in order, so the last one wins."""
    understood = parse_command_line(
        ["fit", "--ckpt_path", str(run), "--config", str(config), "--trainer.max_epochs", "9"]
    )
    assert understood.options == [
        *("--config", str(run / "config.yaml")),
        *("--config", str(config)),
        *("--ckpt_path", str(run / "checkpoints" / "last.ckpt")),
        *("--trainer.max_epochs", "9"),
    ]


def test_a_mapping_in_a_flag_with_a_name_twice_is_refused(config: Path) -> None:
    with pytest.raises(InputError, match="'flip' stands twice, also in line 1"):
        parse_command_line(["fit", "--config", str(config), "--data.augmentation", "{flip: random, flip: none}"])
