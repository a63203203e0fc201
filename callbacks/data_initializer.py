"""Sets layers that start from statistics of the training data."""

from pytorch_lightning import Callback, LightningModule, Trainer

from core.errors import InputError
from core.protocols.general import CountsDocuments, GivesSamples, StartsFromCounts, StartsFromSamples, StartsFromWords
from core.terminal.console import print_line
from datamodules.base.data_module import DataModule

SAMPLES = 5000
VALUES = SAMPLES * 3 * 32 * 32  # of larger samples, fewer are taken


class DataInitializer(Callback):
    """Gives training data to layers whose first values follow from it, before anything copies the model.

    A layer of `core.protocols.general.StartsFromSamples` receives training samples, one of `StartsFromCounts` how many
    documents of each class hold each symbol of the vocabulary; one of `StartsFromWords` which words there are. A layer
    keeps what a checkpoint or other weights have set.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Initialises the layers, equally on every process.

        Raises:
            InputError: The data set does not give what a layer starts from.
        """
        if stage != "fit":
            return
        data = trainer.datamodule
        if layers := _layers(pl_module, StartsFromSamples):
            if not isinstance(data, GivesSamples):
                raise _missing(layers, data, "training samples (a method `sample`)")
            values = data.sample(1)[0].numel()
            samples = data.sample(min(SAMPLES, max(1, VALUES // values))).to(trainer.strategy.root_device)
            for layer in layers.values():
                layer.initialize_from(samples)
        if layers := _layers(pl_module, StartsFromCounts):
            if not isinstance(data, CountsDocuments):
                raise _missing(layers, data, "counts of symbols by class (a method `document_counts`)")
            counts = data.document_counts()
            for layer in layers.values():
                layer.initialize_from_counts(counts)
        layers = _layers(pl_module, StartsFromWords)
        # a checkpoint has all rows, and a run goes on where the source is gone
        if layers and isinstance(data, DataModule) and data.symbols is not None and not trainer.goes_on:
            for said in filter(None, (layer.start_from_source(data.symbols) for layer in layers.values())):
                print_line(f"weights  {said}")


def _layers(pl_module: LightningModule, kind: type) -> dict:
    return {name: module for name, module in pl_module.named_modules() if isinstance(module, kind)}


def _missing(layers: dict, data: object, what: str) -> InputError:
    layer = next(iter(layers)) or "the model"
    return InputError(f"{layer} starts from {what}, which {type(data).__name__} does not give")
