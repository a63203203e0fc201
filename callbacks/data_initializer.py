"""Sets layers that start from statistics of the training images."""

from pytorch_lightning import Callback, LightningModule, Trainer

IMAGES = 5000


class DataInitializer(Callback):
    """Shows some training images to every layer that has a method `initialize_from`, before anything copies the model.

    A layer keeps what a checkpoint or other weights have set.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Initialises the layers, equally on every process."""
        layers = [module for module in pl_module.modules() if hasattr(module, "initialize_from")]
        if stage == "fit" and layers:
            images = trainer.datamodule.sample(IMAGES)
            for layer in layers:
                layer.initialize_from(images)
