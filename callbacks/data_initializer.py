"""Sets layers that start from statistics of the training images."""

from pytorch_lightning import Callback, LightningModule, Trainer

IMAGES = 5000
VALUES = IMAGES * 3 * 32 * 32  # of larger images, fewer are shown


class DataInitializer(Callback):
    """Shows some training images to every layer that has a method `initialize_from`, before anything copies the model.

    A layer keeps what a checkpoint or other weights have set.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Initialises the layers, equally on every process."""
        layers = [module for module in pl_module.modules() if hasattr(module, "initialize_from")]
        if stage == "fit" and layers:
            data = trainer.datamodule
            images = data.sample(min(IMAGES, max(1, VALUES // (data.in_channels * data.image_size**2))))
            for layer in layers:
                layer.initialize_from(images)
