"""Media after every epoch: texts, translations and captions that a model writes, and what models and data make."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from callbacks.averaged_weights import averaged
from callbacks.media.captions import caption_media
from callbacks.media.isolation import making_media, media_of
from callbacks.media.sink import write_media
from callbacks.media.text_samples import SAMPLES, text_sample
from callbacks.media.translations import translation_media
from core.media import Medium, Text
from core.protocols.captions import Describes, HasCaptions
from core.protocols.general import MakesMediaAfterEpoch
from core.protocols.translation import HasTranslations, Translates
from core.protocols.writing import HasPrimes, WritesText
from core.randomness import generator

PAIRS = ((WritesText, HasPrimes), (Translates, HasTranslations), (Describes, HasCaptions))  # of a model and its data


class EpochMedia(Checkpoint):
    """Writes what there is to show after an epoch; `samples.txt` holds the texts of all epochs.

    (Its base class makes Lightning call it before RunCheckpoint saves.)
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[tuple[int, str]]] = {SAMPLES: []}  # epochs, from 0, and texts by name

    @property
    def state_key(self) -> str:
        """Key of its state in checkpoints, which has been this one from the beginning."""
        return "Texts"

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Makes the media on the first process, of averages if these are validated, and leaves training as it is."""
        if not (trainer.is_global_zero and _shows_any(pl_module, trainer.datamodule)):  # averages take their time
            return
        with making_media(trainer, pl_module), averaged(trainer, pl_module):
            media = list(self._media(trainer, pl_module))
        write_media(trainer, map(self._with_earlier, media))

    def _media(self, trainer: Trainer, pl_module: LightningModule) -> Iterator[Medium]:
        sample = text_sample(trainer, pl_module, trainer.datamodule)
        if sample is not None:
            yield sample
        yield from translation_media(pl_module, trainer.datamodule, trainer.optimizer_steps)
        yield from caption_media(pl_module, trainer.datamodule, trainer.optimizer_steps)
        for number, maker in enumerate((pl_module, trainer.datamodule)):
            if isinstance(maker, MakesMediaAfterEpoch):
                rng = generator(trainer.seed, "media", trainer.current_epoch, number)
                yield from media_of(maker, "media_after_epoch", trainer.optimizer_steps, rng)

    def _with_earlier(self, medium: Medium) -> Medium:
        """Returns a medium, a text with those of earlier epochs."""
        if not isinstance(medium, Text) or medium.epoch is None:
            return medium
        # an epoch that was cut and goes on has its text anew at its end
        earlier = tuple(one for one in self.texts.get(medium.name, []) if one[0] < medium.epoch)
        self.texts[medium.name] = [*earlier, (medium.epoch, medium.text)]
        return replace(medium, earlier=earlier)

    def state_dict(self) -> dict[str, Any]:
        """Returns the texts of the epochs so far."""
        return dict(self.texts)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the texts of a checkpoint's epochs."""
        self.texts = {}
        for name, texts in state_dict.items():
            # an earlier release counted those that it made itself from 1
            begin = 1 if name == SAMPLES and texts and texts[0][0] == 1 else 0
            self.texts[name] = [(epoch - begin, text) for epoch, text in texts]


def _shows_any(model: LightningModule, data: object) -> bool:
    """Returns whether there may be something to show of a model and its data."""
    makes = any(isinstance(maker, MakesMediaAfterEpoch) for maker in (model, data))
    return makes or any(isinstance(model, kind) and isinstance(data, source) for kind, source in PAIRS)
