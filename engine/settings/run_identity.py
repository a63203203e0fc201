"""Which settings make a run what it is: in two runs of one recipe, and in a run and its continuation.

Each name is a dotted key, or the beginning of several.
"""

from typing import Any

# How fast a run is made, where it lies and what is shown of it: neither another recipe nor another run.
SHARED = (
    "nan_guard.",
    "trainer.accelerator",
    "trainer.default_root_dir",
    "trainer.devices",
    "trainer.enable_model_summary",
    "trainer.enable_progress_bar",
    "trainer.fast_loop",
    "trainer.log_every_n_steps",
    "trainer.logger",
    "wandb",
    "watch.",
    "weights",
)

# May differ between two runs of one recipe; seed and weights are checked on their own.
SAME_RECIPE = (
    *SHARED,
    "checkpoint.every_n_train_steps",
    "data.data_dir",
    "data.eval_batch_size",
    "data.num_workers",
    "model.judge",
    "seed_everything",
)

# May change when a run continues, beside what its model and data set name themselves (`changeable` of ownership.py).
CHANGEABLE_ON_RESUME = (
    *SHARED,
    "checkpoint.",
    "early_stopping.",
    "model.optimizer.",
    "test_subset.",
    "trainer.deterministic",
    "trainer.max_epochs",
    "trainer.max_steps",
    "trainer.max_time",
    "trainer.num_nodes",
    "trainer.profiler",
    "trainer.strategy",
)

# Options of the trainer that are a number of batches, or a share of them; and whether at least one batch is needed.
SHARES = {
    "limit_train_batches": True,
    "limit_val_batches": False,
    "limit_test_batches": False,
    "limit_predict_batches": False,
    "overfit_batches": False,
    "val_check_interval": True,
}


def is_share(key: str) -> bool:
    """Returns whether a setting, by its dotted key, is a number of batches or a share of them, such as 1 or 1.0."""
    return f".{key}".partition(".trainer.")[2].partition(".")[0] in SHARES


def differ(key: str, before: Any, now: Any) -> bool:
    """Returns whether two values of a setting make two runs: 1 batch is not 1.0, which is all of them.

    Args:
        key: The setting's dotted key; also one of a study's file, such as `parameters.trainer.max_epochs.values`.
        before: One value.
        now: The other.
    """
    return before != now or (is_share(key) and before != 0 and repr(before) != repr(now))
