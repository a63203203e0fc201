"""Commands that the program prints can be pasted into the shell of their system."""

import shlex

import pytest

from core.terminal.shells import as_typed

WORDS = ("test", "--ckpt_path", "runs\\vgg\\1", "my $HOME's run", '{"a": 1}')


def test_a_shell_of_unix_reads_the_words_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.terminal.shells.sys.platform", "linux")
    assert shlex.split(as_typed(*WORDS)) == [*WORDS]


def test_a_shell_of_windows_knows_no_single_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.terminal.shells.sys.platform", "win32")
    assert as_typed(*WORDS) == r'''test --ckpt_path runs\vgg\1 "my $HOME's run" "{\"a\": 1}"'''
