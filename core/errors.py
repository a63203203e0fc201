"""The two ways in which a run ends early, each with its exit code."""


class InputError(ValueError):
    """What the user gave cannot be used: one line that names the thing, the reason and the way out (exit code 2)."""


class RunFailed(RuntimeError):
    """The run itself failed, by divergence or a full disk: one line that says what is left of it (exit code 1)."""


class RunInterrupted(Exception):
    """A signal ended the run after a whole batch and a checkpoint (exit code 128 + the signal's number).

    Args:
        signum: Number of the signal that was received.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by signal {signum}")
        self.signum = signum
