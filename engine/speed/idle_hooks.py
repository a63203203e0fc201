"""What keeps Lightning's share of a step small: hooks that do nothing are not called, and nothing is timed unasked."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from pytorch_lightning import Callback
from pytorch_lightning.profilers import PassThroughProfiler

TRAINING_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
HOOKS_OF_A_STEP = (
    *TRAINING_HOOKS,
    "on_validation_batch_start",
    "on_validation_batch_end",
    "on_test_batch_start",
    "on_test_batch_end",
    "on_predict_batch_start",
    "on_predict_batch_end",
)

_NOTHING = nullcontext()


class NoProfiler(PassThroughProfiler):
    """Times nothing, at no cost: Lightning asks for a context around each of some hundred calls a step."""

    def profile(self, action_name: str) -> AbstractContextManager:
        """Returns a context that does nothing."""
        return _NOTHING


def skip_idle_hooks(callbacks: Iterable[Callback]) -> None:
    """Hides from Lightning the hooks of a step or batch that a callback inherits without overriding them.

    Lightning calls a hook if it is callable, and so passes over one that is None; a call, however empty, takes two
    microseconds, and each of a dozen callbacks has six of them a step.
    """
    for callback in callbacks:
        for hook in HOOKS_OF_A_STEP:
            if getattr(type(callback), hook) is getattr(Callback, hook) and hook not in vars(callback):
                setattr(callback, hook, None)
