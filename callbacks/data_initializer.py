"""Sets layers that start from statistics of the training data."""

from pytorch_lightning import Callback, LightningModule, Trainer

IMAGES = 5000
VALUES = IMAGES * 3 * 32 * 32  # of larger images, fewer are shown


class DataInitializer(Callback):
    """Shows training data to layers that begin with it, before anything copies the model.

    A layer with a method `initialize_from` is shown some images; one with `initialize_from_counts`, how many documents
    of each class hold each symbol of the vocabulary. A layer keeps what a checkpoint or other weights have set.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Initialises the layers, equally on every process."""
        if stage != "fit":
            return
        data = trainer.datamodule
        if layers := [module for module in pl_module.modules() if hasattr(module, "initialize_from")]:
            images = data.sample(min(IMAGES, max(1, VALUES // (data.in_channels * data.image_size**2))))
            for layer in layers:
                layer.initialize_from(images)
        if layers := [module for module in pl_module.modules() if hasattr(module, "initialize_from_counts")]:
            counts = data.document_counts()
            for layer in layers:
                layer.initialize_from_counts(counts)
