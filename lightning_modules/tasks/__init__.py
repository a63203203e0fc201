"""What a training step is: the loss, the metrics and the optimizer of each kind of model."""
