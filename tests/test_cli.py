"""The command as a user meets it: what it prints, what it leaves behind, and how it answers wrong input."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from jsonargparse import ActionConfigFile
from PIL import Image
from pytorch_lightning import Callback

import cli
from callbacks.nan_guard import Diverged
from core.errors import RunFailed, RunInterrupted
from core.summary import figures
from engine.settings.config_names import MAIN, config_names
from engine.settings.help import FIT_ALONE, SHOWN_TRAINER_OPTIONS, TRAINING_OPTIONS
from engine.settings.overview import SUBCOMMANDS, TRACKED, TRAINING
from engine.settings.recorded_config import OPTION_GROUPS
from tests.bits import figures_of
from tests.processes import ROOT
from tests.tiny import TINY_CONFIG

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(finished_run: Callable[..., Path]) -> Path:
    """A finished run of the tiny config."""
    return finished_run()


def test_a_folder_that_is_gone_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    import cli

    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.main(["runs"]) == 2
    assert capsys.readouterr().err == "error: the current folder is gone; change to another\n"


def test_a_run_leaves_all_of_its_record(run: Path, command: Command) -> None:
    for name in ("config.yaml", "metrics.csv", "summary.json", "curves.png"):
        assert (run / name).stat().st_size > 0
    assert list((run / "tensorboard").glob("events.*"))
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}
    assert not (run / ".lock").exists()

    code, output, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert "SYNTHETIC" in output
    assert (run / "predictions.png").exists()
    assert (run / "confusion.png").exists()
    summary = json.loads((run / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert {"val/acc", "val/loss", "test/acc", "test/loss"} <= figures(summary).keys()


def test_a_recorded_config_repeats_the_run(run: Path, tmp_path: Path, command: Command) -> None:
    code, _, errors = command("fit", "--config", run / "config.yaml", "--run_dir", tmp_path / "again")
    assert code == 0, errors
    assert figures_of(tmp_path / "again" / "metrics.csv") == figures_of(run / "metrics.csv")


def test_fitting_prints_what_a_person_wants_to_know(config: Path, command: Command) -> None:
    code, output, errors = command("fit", "--config", config)
    assert code == 0, errors
    lines = output.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["run", "data", "model", "device"]
    assert "240 training, 40 validation, 50 test" in lines[1]
    assert [line for line in lines if line.startswith("epoch   2/2")]
    assert "best validation accuracy" in lines[-2]
    assert " test --ckpt_path runs/tiny/" in lines[-1]
    assert errors == ""


@pytest.fixture(scope="module")
def fresh() -> dict[str, Any]:
    """What one new process imports for the command, and the help of each subcommand.

    Other tests import many classes, all of which this process would name in its help.
    """
    program = """
import contextlib, io, json, sys, cli, engine.cli.command
found = {"imported": sorted(sys.modules), "help": {}}
for subcommand in ("fit", "validate", "test", "predict", "inspect", "lr_find"):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert cli.main([subcommand, "--help"]) == 0
    found["help"][subcommand] = output.getvalue()
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_home_that_cannot_be_written_is_nothing_to_speak_of() -> None:
    """matplotlib told of it in each process of a run."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CONFIG_HOME")}
    settings = {"cwd": ROOT, "env": environment | {"HOME": "/proc/nowhere"}, "capture_output": True, "text": True}
    alone, behind = (
        subprocess.run([sys.executable, "-c", program], **settings).stderr
        for program in ("import matplotlib", "import cli; cli.main(['--help']); import matplotlib")
    )
    assert "temporary cache directory" in alone
    assert behind == ""


@pytest.mark.parametrize("subcommand", ["fit", "validate", "test", "predict", "inspect", "lr_find"])
def test_help_is_short_and_shows_the_options_of_its_subcommand(subcommand: str, fresh: dict[str, Any]) -> None:
    entries = re.split(r"^  (?=-)", fresh["help"][subcommand], flags=re.MULTILINE)[1:]
    longest = max(entries, key=lambda entry: entry.count("\n"))
    assert longest.count("\n") <= 14, f"an option is explained in a few lines: {longest}"
    options = [re.split(r"[ ,\n]", entry)[0] for entry in entries if entry.startswith("--")]
    assert "--data" in options
    assert ("--input" in options) == (subcommand in ("predict", "inspect"))
    assert ("--steps" in options) == (subcommand == "lr_find")
    of_trainer = {option.removeprefix("--trainer.") for option in options if option.startswith("--trainer.")}
    assert of_trainer == {
        name for name in SHOWN_TRAINER_OPTIONS if subcommand in TRAINING or f"trainer.{name}" not in TRAINING_OPTIONS
    }
    groups = {option.removeprefix("--").partition(".")[0] for option in options}
    trains = {"fit": {*FIT_ALONE}, "lr_find": {"freeze"}}
    assert groups & {*FIT_ALONE} == trains.get(subcommand, set())
    begins = {"fit": {"run_dir", "resume"}, "lr_find": {"run_dir"}}
    assert groups & {"run_dir", "resume"} == begins.get(subcommand, set())
    assert ("ckpt_path" in groups) == (subcommand != "lr_find")
    assert ("wandb" in groups) == (subcommand in TRACKED)
    assert not {f"--{group}" for group in OPTION_GROUPS} & {*options}
    headings = set(re.findall(r"^(\w+): .+:$", fresh["help"][subcommand], flags=re.MULTILINE))
    assert groups & {*OPTION_GROUPS} <= headings, "each group begins with its name"
    assert max(map(len, fresh["help"][subcommand].partition("options:")[0].splitlines())) < 80


@pytest.mark.parametrize(("before", "rotation"), [([], 10.0), (["--data.augmentation", "null"], 0.0)])
def test_a_mapping_adds_to_the_configs_and_replaces_it_after_null(
    before: list[str], rotation: float, command: Command
) -> None:
    given = ["--config", "lenet5.yaml", *before, "--data.augmentation", "{flip: random}"]
    code, output, _ = command("fit", *given, "--print_config")
    assert code == 0
    augmentation = yaml.safe_load(output)["data"]["init_args"]["augmentation"]
    assert (augmentation["flip"], augmentation["rotation"]) == ("random", rotation)


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_help_on_the_trainer_shows_everything(subcommand: str, command: Command) -> None:
    code, output, _ = command(subcommand, "--help.trainer")
    assert code == 0
    shown = {line.split()[0] for line in output.splitlines() if line.startswith("  --")}
    assert {"--trainer.use_distributed_sampler", "--trainer.max_epochs", "--data"} <= shown


def test_predict_prints_and_writes_a_table(run: Path, tmp_path: Path, command: Command) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (80 * number, 90, 200)).save(pictures / f"{number}.png")
    code, output, errors = command("predict", "--ckpt_path", run, "--input", pictures, "--output", tmp_path / "x.csv")
    assert code == 0, errors
    assert output.splitlines()[0].split()[:3] == ["file", "class", "probability"]
    assert str(pictures / "2.png") in output
    rows = (tmp_path / "x.csv").read_text().splitlines()
    assert len(rows) == 4

    code, output, errors = command("predict", "--ckpt_path", run)  # the test set
    assert code == 0, errors
    assert "test[0]" in output


def test_weights_and_frozen_layers_start_a_new_run(run: Path, config: Path, tmp_path: Path, command: Command) -> None:
    code, output, errors = command(
        *("fit", "--config", config, "--run_dir", tmp_path / "tuned"),
        *("--weights", run, "--freeze.layers", "[stages]", "--model.head", "average"),
    )
    assert code == 0, errors
    assert "skipped classifier.3.weight" in output
    assert "of them trainable" in output
    assert "nothing has trained" not in output
    before, after = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (run, tmp_path / "tuned")
    )
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    for name in before:
        if name.startswith("stages"):
            assert torch.equal(best[name], after[name]), name


def test_a_network_is_measured_without_a_run(run: Path, config: Path, tmp_path: Path, command: Command) -> None:
    tested = {}
    for name, options in {"untrained": (), "best.ckpt": ("--weights", run)}.items():
        code, output, errors = command("test", "--config", config, *options)
        assert code == 0, errors
        assert f"weights  {options[1] if options else name}" in output
        tested[name] = re.search(r"test/acc +([\d.]+)", output)[1]
    code, output, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert re.search(r"test/acc +([\d.]+)", output)[1] == tested["best.ckpt"]
    code, output, errors = command("predict", "--config", config, "--weights", run, "--output", tmp_path / "x.csv")
    assert code == 0, errors
    assert (tmp_path / "x.csv").exists()
    assert not (tmp_path / "runs").exists()
    for subcommand in ("validate", "test", "predict"):  # a head without the run's sizes
        code, output, errors = command(subcommand, "--config", config, "--weights", run, "--model.head", "average")
        assert code == 0, errors
        assert "note     nothing has trained classifier" in output
    code, _, errors = command("test", "--ckpt_path", run, "--weights", run)
    assert code == 2
    assert "has weights of its own" in errors


@pytest.mark.parametrize("subcommand", ["test", "fit"])
def test_the_config_of_a_run_goes_with_its_checkpoint(
    subcommand: str, run: Path, tmp_path: Path, command: Command
) -> None:
    checkpoint, recorded = run, run / "config.yaml"
    if subcommand == "test":
        checkpoint = shutil.copy(run / "checkpoints" / "best.ckpt", tmp_path / "kept.ckpt")
    begun = recorded.read_text().replace("weights: null", "weights: /somewhere/weights.pth")
    assert begun != recorded.read_text()
    (tmp_path / "begun.yaml").write_text(begun)
    for config in (recorded, tmp_path / "begun.yaml"):
        code, _, errors = command(subcommand, "--config", config, "--ckpt_path", checkpoint)
        assert code == 0, errors


def test_a_dotted_flag_changes_the_model_that_is_built_and_linked_sizes_arrive(
    config: Path, tmp_path: Path, command: Command
) -> None:
    """Links to absent targets, and sweeps, once had no effect and gave no error."""
    code, _, errors = command(
        *("fit", "--config", config, "--run_dir", tmp_path / "run", "--trainer.max_steps", 1),
        *("--model.widths", "[4,6]", "--model.optimizer.lr", 0.25, "--model.lr_scheduler", "null"),
    )
    assert code == 0, errors
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["state_dict"]["stages.1.0.weight"].shape == (6, 4, 3, 3)
    assert checkpoint["state_dict"]["classifier.3.weight"].shape == (5, 6 * 4 * 4)  # 5 classes, 16 pixels
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["lr"] == 0.25
    hyperparameters = checkpoint["hyper_parameters"]
    assert (hyperparameters["num_classes"], hyperparameters["image_size"]) == (5, 16)


def test_a_config_is_utf_8_on_every_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has another encoding, in which `open` reads where none is named."""
    from engine.cli.parser import Parser

    (tmp_path / "config.yaml").write_text("data_dir: 'C:\\Users\\Müller\\数据'\n", encoding="utf-8")
    monkeypatch.setattr("jsonargparse._paths.open", partial(open, encoding="cp1252"), raising=False)
    parser = Parser()
    parser.add_argument("--config", action=ActionConfigFile)
    parser.add_argument("--data_dir", type=str)
    assert parser.parse_args(["--config", str(tmp_path / "config.yaml")]).data_dir == "C:\\Users\\Müller\\数据"


def test_a_class_keeps_its_own_defaults(config: Path, command: Command) -> None:
    """Some releases of jsonargparse took a parent's."""
    code, output, errors = command("fit", "--config", config, "--print_config")
    assert code == 0, errors
    settings = yaml.safe_load(output)
    assert settings["data"]["init_args"]["batch_size"] == 40  # TinyDataModule's
    assert settings["trainer"]["num_sanity_val_steps"] == 0  # our Trainer's
    assert settings["trainer"]["precision"] == "32-true"


def test_the_command_starts_without_what_it_may_not_need(fresh: dict[str, Any]) -> None:
    """What is imported for nothing makes every start slower."""
    assert not {"wandb", "tensorboard", "lightning_modules.vgg", "datamodules.cifar10"} & {*fresh["imported"]}


def test_an_empty_folder_that_the_user_made_stays_and_stays_empty(
    config: Path, tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    code, _, errors = command("fit", "--config", config, "--run_dir", folder, "--data.val_size", 9999)
    assert code == 2, errors
    assert list(folder.iterdir()) == []
    code, _, errors = command("fit", "--config", config, "--run_dir", folder)
    assert code == 0, errors


def test_true_low_precision_trains(config: Path, tmp_path: Path, command: Command) -> None:
    settings = ("--trainer.precision", "bf16-true", "--trainer.max_steps", 2)
    code, _, errors = command("fit", "--config", config, "--run_dir", tmp_path / "run", *settings)
    assert code == 0, errors


def test_an_epoch_without_validation_records_none(config: Path, tmp_path: Path, command: Command) -> None:
    settings = ("--trainer.check_val_every_n_epoch", 2)
    code, _, errors = command("fit", "--config", config, "--run_dir", tmp_path / "run", *settings)
    assert code == 0, errors
    with (tmp_path / "run" / "metrics.csv").open() as file:
        assert [bool(row["val/acc"]) for row in csv.DictReader(file)] == [False, True, False]


def test_a_disk_that_is_full_at_the_record_says_so(
    config: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    class FillDisk(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            monkeypatch.setattr("os.replace", full)

    monkeypatch.setattr("tests.tiny.Slow", FillDisk, raising=True)
    settings = ("--run_dir", tmp_path / "run", "--trainer.callbacks", "tests.tiny.Slow")
    code, _, errors = command("fit", "--config", config, *settings)
    assert code == 1
    assert "could not be written (No space left on device)" in errors
    assert len(errors.splitlines()) == 1


WRONG_OPTIONS = [
    ("--bogus 3", "--bogus: there is no such option"),
    ("--trainer.max_epoch 3", "did you mean --trainer.max_epochs"),
    ("--model.bogus 1", "--model.bogus: there is no such option"),
    ("--model.dropout much", "--model.dropout much: expected float"),
    ("--model.optimizer.lrr 1", "--model.optimizer.lrr: there is no such option"),
    ("--model.optimizer Nothing", "--model.optimizer Nothing: there is no such class"),
    (
        "--model no_such_package.VGG",
        "--model no_such_package.VGG: No module named 'no_such_package' in the current folder or among the "
        "installed packages",
    ),
    ("--model lightning_modules.Nothing", "has no attribute 'Nothing'"),
    ("--model.num_classes 5", "model.num_classes cannot be set: the data gives it"),
    ("--model.widths [8,8,8,8,8]", "5 widths and 2 convolutions"),
    ("--data.batch_size 0", "data.batch_size is 0"),
    ("--data.batch_size 1000", "larger than the 240 training images"),
    ("--data.val_size 100000", "data.val_size is 100000: too large"),
    ("--data.augmentation.flip sideways", "expected one of 'none', 'random', 'alternating'"),
    ("--trainer.accelerator gpu --trainer.devices 3", "GPU"),
    ("--trainer.precision 17", "17"),
    ("--trainer.max_epochs -1", "WarmupCosine needs the run's length"),
    ("--weights nowhere", "--weights nowhere: no such file or run folder"),
    ("--freeze.layers [nothing]", "--freeze.layers nothing: matches none"),
    ("--checkpoint.monitor test/acc", "the test set selects nothing"),
    ("--checkpoint.monitor val/bogus", "no validation metric; there are val/loss, val/acc"),
    ("--wandb maybe", "expected one of 'off', 'offline', 'online'"),
]


@pytest.mark.parametrize(("options", "answer"), WRONG_OPTIONS, ids=[options for options, _ in WRONG_OPTIONS])
def test_a_wrong_option_gets_one_line_and_leaves_nothing(
    options: str, answer: str, config: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "gpu" in options:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, _, errors = command("fit", "--config", config, *options.split())
    _assert_refused(code, errors, answer, tmp_path)


WRONG_CONFIGS = [
    ("a: [", "line 1: broken YAML"),
    ("- 1", "a config is a mapping"),
    ("bogus: 1\n" + TINY_CONFIG, "bogus: there is no such option"),
    (TINY_CONFIG.replace("dropout: 0.2", "dropout: much"), "model.dropout much: expected float"),
    (TINY_CONFIG.replace("lightning_modules.VGG", "lightning_modules.VG"), "has no attribute 'VG'"),
    (TINY_CONFIG[: TINY_CONFIG.index("data:")], "the config names no data"),
    ("model: 3\n", "line 1: model 3: Not a valid subclass"),
]


@pytest.mark.parametrize(("text", "answer"), WRONG_CONFIGS, ids=[answer for _, answer in WRONG_CONFIGS])
def test_a_wrong_config_gets_one_line_and_leaves_nothing(
    text: str, answer: str, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "wrong.yaml").write_text(text)
    code, _, errors = command("fit", "--config", tmp_path / "wrong.yaml")
    _assert_refused(code, errors, answer, tmp_path)


class Malice:
    """Makes a file when unpickled."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("executed"),))


@pytest.mark.parametrize("what", ["no checkpoint", "truncated", "malicious", "of another model"])
@pytest.mark.parametrize("subcommand", ["fit", "test"])
def test_a_wrong_checkpoint_gets_one_line_and_runs_no_code(
    what: str, subcommand: str, run: Path, config: Path, tmp_path: Path, command: Command
) -> None:
    wrong = tmp_path / "wrong.ckpt"
    whole = (run / "checkpoints" / "last.ckpt").read_bytes()
    if what == "malicious":
        torch.save({"state_dict": Malice()}, wrong)
    else:
        wrong.write_bytes({"no checkpoint": b"hello", "truncated": whole[:-500], "of another model": whole}[what])
    other = ("--model.widths", "[8,9]") if what == "of another model" else ()
    code, _, errors = command(subcommand, "--config", config, "--ckpt_path", wrong, *other)
    _assert_refused(code, errors, str(wrong), tmp_path)
    assert not Path("executed").exists()


def test_data_that_is_missing_broken_or_incomplete_gets_one_line(tmp_path: Path, command: Command) -> None:
    from datamodules import CIFAR10DataModule

    data = tmp_path / "data"
    for part in ("train", "test"):
        for name in CIFAR10DataModule.class_names:
            (data / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(data / part / name / "a.png")
    config = tmp_path / "cifar.yaml"
    config.write_text(TINY_CONFIG.replace("tests.tiny.Tiny", "datamodules.CIFAR10"))

    def answer() -> str:
        code, _, errors = command("fit", "--config", config, "--data.data_dir", data, "--data.val_size", 0)
        _assert_refused(code, errors, "", tmp_path)
        return errors

    (data / "train" / "frog" / "a.png").write_bytes(b"no picture")
    assert "train/frog/a.png: no picture" in answer()
    (data / "train" / "frog" / "a.png").unlink()
    assert "train/frog: no pictures" in answer()
    (data / "train" / "frog").rmdir()
    assert "class folder 'frog' is missing" in answer()


@pytest.mark.parametrize(
    ("argv", "answer"),
    [
        (["test"], "test needs --ckpt_path, a run folder or a checkpoint file; or --config"),
        (["predict", "--config", "vgg_bn.yaml"], "or --config and --weights"),
        (["test", "--ckpt_path", "nowhere"], "no such run folder or checkpoint file"),
        (["fit", "--model.dropout", "0", "--config", "vgg_bn.yaml"], "put --config first"),
    ],
)
def test_a_command_that_lacks_something_gets_one_line(
    argv: list[str], answer: str, tmp_path: Path, command: Command
) -> None:
    code, _, errors = command(*argv)
    _assert_refused(code, errors, answer, tmp_path)


def test_fit_without_a_config_lists_them_group_by_group(command: Command) -> None:
    code, _, errors = command("fit")
    first, *groups = errors.splitlines()
    assert code == 2
    assert first == "error: fit needs --config NAME, one of"
    assert groups[0].split() == ["start", "with", *MAIN]
    assert len(groups) > 5
    assert {name for line in groups for name in line.split() if name.endswith(".yaml")} == {*config_names()}


@pytest.mark.parametrize(("given", "answer"), [("nowhere.png", "no such file"), ("text.txt", "no picture")])
def test_an_input_that_is_no_picture_gets_one_line(
    given: str, answer: str, run: Path, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "text.txt").write_text("hello")
    code, _, errors = command("predict", "--ckpt_path", run, "--input", given)
    _assert_refused(code, errors, answer, tmp_path)


def test_a_traceback_is_there_for_whoever_asks(tmp_path: Path, command: Command) -> None:
    _, _, errors = command("fit", "--config", "nowhere.yaml", "--traceback")
    assert "Traceback" in errors


def test_a_mistake_of_the_program_is_exit_code_1(
    config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.command.note_own", None)
    code, _, errors = command("fit", "--config", config)
    assert code == 1
    assert "TypeError" in errors


def _assert_refused(code: int, errors: str, answer: str, folder: Path) -> None:
    assert code == 2, errors
    assert answer in errors
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1, errors
    assert not (folder / "runs").exists()


def test_a_seed_is_drawn_for_each_run(
    config: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    seeds = []
    for name in ("first", "second"):
        code, _, errors = command("fit", "--config", config, "--seed_everything", "true", "--run_dir", name)
        assert code == 0, errors
        seeds.append(json.loads(Path(name, "summary.json").read_text())["seed"])
        assert f"seed_everything: {seeds[-1]}\n" in Path(name, "config.yaml").read_text()
    assert seeds[0] != seeds[1]
    assert 0 not in seeds


def test_a_shell_of_an_allocation_draws_a_seed(config: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "4")  # `salloc -n 4` sets it, and starts one process
    code, _, errors = command("lr_find", "--config", config, "--seed_everything", "true")
    assert code == 0, errors


def test_a_run_that_goes_on_keeps_the_seed_that_was_drawn(config: Path, command: Command) -> None:
    words = ["fit", "--config", config, "--seed_everything", "true", "--run_dir", "run", "--resume", "auto"]
    seeds = []
    for epochs in (1, 2):
        code, _, errors = command(*words, "--trainer.max_epochs", epochs)
        assert code == 0, errors
        seeds.append(json.loads(Path("run", "summary.json").read_text())["seed"])
    assert seeds[0] == seeds[1]


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"SLURM_STEP_NUM_TASKS": "2"}, []),
        ({"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "2"}, []),
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "2"}, []),
        ({}, ["--trainer.num_nodes", 2]),
    ],
    ids=["srun", "torchrun", "by hand", "machines"],
)
def test_several_processes_draw_no_seeds_of_their_own(
    variables: dict[str, str], options: list[object], config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    code, _, errors = command("fit", "--config", config, "--seed_everything", "true", "--run_dir", "run", *options)
    assert code == 2
    assert "--seed_everything true: each of several processes would draw another; give a number" in errors
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("error", "code", "ends_all"),
    [(RunInterrupted(15), 143, True), (Diverged("diverged"), 1, True), (RunFailed("no picture"), 1, False)],
)
def test_a_process_waits_for_the_first_where_all_end(
    error: Exception, code: int, ends_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    asked: list[bool] = []
    monkeypatch.setattr("engine.settings.arguments.parse_command_line", fail)
    monkeypatch.setattr(cli, "is_told_by_first", lambda reason, ends_all: asked.append(ends_all) or True)
    assert cli.main(["fit"]) == code
    assert asked == [ends_all]
