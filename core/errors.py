"""Errors that end a command, each with its exit code."""


class OneLine:
    """An error whose message says everything: a notebook shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Returns the lines that IPython shows."""
        return [f"{type(self).__name__}: {self}"]


def in_one_line(error: Exception) -> str:
    """Returns what an error of other code says, after its class."""
    return " ".join(f"{type(error).__name__}: {error}".split())


class InputError(OneLine, ValueError):
    """The user's input cannot be used; one line names the input, the reason and the solution (exit code 2)."""


class RunFailed(OneLine, RuntimeError):
    """The run failed, for example by divergence or a full disk; the message states what was saved (exit code 1).

    Attributes:
        ends_all: Whether all processes of a run end with it.
    """

    ends_all = False


class LostPeer(OneLine, RuntimeError):
    """Another process of the run has ended, or its machine does not answer; the run can go on (exit code 1)."""


class RunInterrupted(OneLine, Exception):
    """A signal ended the run after a complete batch and a checkpoint (exit code 128 + the signal's number).

    Args:
        signum: Number of the received signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by signal {signum}")
        self.signum = signum


class Interrupted(OneLine, KeyboardInterrupt):
    """A signal ended what the main thread did, at once (exit code 128 + the signal's number).

    Args:
        signum: Number of the received signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__("interrupted")
        self.signum = signum
