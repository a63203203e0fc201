"""Real shells complete the command."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.settings.completion_scripts import ASKED, SCRIPTS, completion, joined
from tests.processes import ROOT
from tests.terminals import Terminal, program

SLOW = ("dataclasses", "inspect", "torch", "yaml")  # to import
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ""),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; "),
    "fish": (["fish", "--no-config"], ""),
}
LOAD = {"fish": "primer completion fish | source"}
TYPED = [
    ("primer compl", "completion"),
    ("primer fit --config vgg_b", "vgg_bn.yaml"),
    ("primer fit --config vgg_bn --model.drop", "--model.dropout"),
    ("primer fit --config=vgg_b", "--config=vgg_bn.yaml"),
    ("primer fit --nan_g", "--nan_guard."),
    ("primer fit --ckpt_path runs/ne", "runs/net/1"),
    ("primer fit --config mi", "mine.yaml"),
    ("primer predict --input pic", "pictures"),
    ("python3 CLI fit --config vgg_b", "vgg_bn.yaml"),
    ("python3 oth", "other.py"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_completes_subcommands_configs_settings_runs_and_files(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    cli = shlex.quote(str(ROOT / "cli.py"))
    program(tmp_path / "bin" / "primer", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S {cli} "$@"\n')
    program(tmp_path / "bin" / "python3", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n')
    for folder in ("runs/net/1", "pictures"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("runs/net/1/config.yaml", "mine.yaml", "other.py"):
        (tmp_path / name).touch()
    (tmp_path / "cli.py").write_text("open('executed', 'w')")  # of another project
    command, begin = START[shell]
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with Terminal(command, PATH=path, HOME=str(tmp_path), PS1="> ") as terminal:
        load = LOAD.get(shell, f'eval "$(primer completion {shell})"')
        terminal.type(f"{begin}{load}; echo rea''dy\n", "ready")
        terminal.type("python3 cli.py fi\t\x15", "fi")
        for words, answer in TYPED:
            terminal.type(words.replace("CLI", cli) + "\t", answer)
            terminal.type("\x15: don''e\n", "\n")
    assert not (tmp_path / "executed").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_gets_names_that_it_takes_for_one_word_and_for_no_command(tmp_path: Path) -> None:
    """A run's folder whose name was a command was inserted as one, and ran with the line."""
    names = ["runs/my net/1", "runs/$(touch executed)/1", "runs/`touch executed`;x/1", "runs/net/1", "--config=a.yaml"]
    script = f"""
        complete() {{ :; }}
        primer() {{ printf '%s\\texplained\\n' {shlex.join(names)}; }}
        {SCRIPTS["bash"].format(command="primer", cli="cli.py", asked=ASKED)}
        COMP_WORDS=(primer fit --ckpt_path ru) COMP_CWORD=3
        _primer
        printf '%s\\n' "${{COMPREPLY[@]}}"
        eval "printf '%s\\n' ${{COMPREPLY[*]}}"  # as typed on one line
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[len(names) - 2 : len(names)] == names[-2:], "plain names stay as they are"
    assert lines[len(names) :] == names
    assert not (tmp_path / "executed").exists()


def test_an_answer_imports_next_to_nothing(tmp_path: Path) -> None:
    """It comes in less than a tenth of a second, of which most goes to starting Python."""
    asked = [ASKED, "bash", "fit", "--config", "vgg_bn", "--model.opt"]
    code = f"import sys, cli; cli.main(['completion', *{asked}]); print([one for one in {SLOW} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *answers, imported = done.stdout.splitlines()
    assert [answer.partition("\t")[0] for answer in answers] == ["--model.optimizer", "--model.optimizer."]
    assert imported == "[]"


def test_the_answer_has_a_line_a_word_with_its_explanation(command: Callable[..., tuple[int, str, str]]) -> None:
    assert command("completion", ASKED, "zsh", "comple")[:2] == (
        0,
        "completion\tprint what makes bash, zsh or fish complete this command\n",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_name_that_is_no_utf8_is_answered_in_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (b"caf\xe9.yaml", b"cafe.yaml"):
        open(name, "w").close()
    with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as strict:
        monkeypatch.setattr(sys, "stdout", strict)
        assert completion([ASKED, "zsh", "fit", "--config", "caf"]) == 0
    assert capfdbinary.readouterr().out == b"cafe.yaml\t\ncaf\xe9.yaml\t\n"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ([], "completion needs bash|zsh|fish"),
        (["tcsh"], "completion tcsh: expected bash, zsh or fish"),
        (["bash", "zsh"], "zsh: one word too many"),
    ],
)
def test_another_shell_is_refused(words: list[str], answer: str, command: Callable[..., tuple[int, str, str]]) -> None:
    code, _, errors = command("completion", *words)
    assert (code, errors.count("\n")) == (2, 1)
    assert answer in errors


@pytest.mark.parametrize(
    ("cut", "whole", "kept"),
    [
        (["fit", "--config", "=", "v"], ["fit", "--config=v"], "--config="),
        (["fit", "--config", "="], ["fit", "--config="], "--config="),
        (["fit", "--config", "=", "v", ""], ["fit", "--config=v", ""], ""),
        (["fit", ""], ["fit", ""], ""),
    ],
)
def test_what_bash_has_cut_is_joined(cut: list[str], whole: list[str], kept: str) -> None:
    assert joined(cut) == (whole, kept)
