"""Tasks: the training step, loss, metrics and optimizer of each kind of model."""
