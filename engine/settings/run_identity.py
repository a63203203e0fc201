"""Which settings make a run what it is: in two runs of one recipe, and in a run and its continuation.

Each name is a dotted key, or the beginning of several.
"""

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
