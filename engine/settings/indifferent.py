"""Settings that may differ between two runs of one recipe: they change how fast it is run, or what is shown."""

# Dotted keys, or their beginnings, that do not make it another run; seed and weights are checked on their own.
INDIFFERENT = (
    "seed_everything",
    "weights",
    "wandb",
    "watch.",
    "checkpoint.every_n_train_steps",
    "nan_guard.",
    "data.data_dir",
    "data.eval_batch_size",
    "data.num_workers",
    "model.judge",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.default_root_dir",
    "trainer.enable_model_summary",
    "trainer.enable_progress_bar",
    "trainer.fast_loop",
    "trainer.log_every_n_steps",
    "trainer.logger",
)
