"""Pictures with their captions in memory, and which captions a picture is shown with in an epoch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.randomness import generator
from datamodules.batches import CaptionBatch
from datamodules.images.loader import Draws
from datamodules.images.splits import Images
from datamodules.text.special_symbols import END


@dataclass
class CaptionedImages(Images):
    """Pictures and their captions.

    Attributes:
        images: uint8 [N, H, W, C], in memory or on disk.
        captions: Symbols of the captions of each picture, padded with zeros, int32 [N, K, T].
        lengths: Number of symbols of each caption with the mark of its end, int32 [N, K]; 0 where there is no caption.
    """

    captions: Tensor
    lengths: Tensor

    def batch(self, images: Tensor, index: Tensor, draws: dict[str, Tensor]) -> CaptionBatch:
        """Returns a batch of pictures with all their captions, or with those that are drawn.

        Args:
            images: The pictures.
            index: Their indices, int64 [B].
            draws: What is drawn of each; `captions`, int64 [B, k], chooses captions, of which `padded`, bool [B, k],
                says which count their padding as symbols.
        """
        captions, lengths = (part.index_select(0, index).long() for part in (self.captions, self.lengths))
        chosen, padded = draws.get("captions"), draws.get("padded")
        if chosen is not None:
            lengths = lengths.gather(1, chosen)
            captions = captions.gather(1, chosen[:, :, None].expand(-1, -1, captions.shape[2]))
        if padded is not None:
            places = torch.arange(captions.shape[2], device=captions.device)
            behind = padded[:, :, None] & (places >= lengths[:, :, None])
            captions = captions.masked_fill(behind, END)
            lengths = lengths.masked_fill(padded, captions.shape[2])
        if captions.device.type == "cpu":  # elsewhere this would wait for the device
            captions = captions[:, :, : int(lengths.max())]
        rest = {name: values for name, values in draws.items() if name not in ("captions", "padded")}
        return CaptionBatch(images, captions, lengths, lengths.sum().float(), index, rest)


class CaptionDraws:
    """Draws the captions that pictures are shown with in an epoch, and what is drawn of the pictures.

    Args:
        of_pictures: Draws of the pictures, such as their augmentation; None for nothing.
        counts: Number of captions of each picture, int64 [N].
        each: Number of captions of a picture in an epoch; all if not given. They differ, where there are enough.
        worn: Whether a caption counts its padding as symbols once it has been drawn before (see `CaptionDataModule`).
    """

    def __init__(self, of_pictures: Draws | None, counts: Tensor, each: int | None, worn: bool = False) -> None:
        self.of_pictures = of_pictures
        self.counts = counts
        self.each = each
        self.worn = worn

    def draw(self, n: int, seed: int, epoch: int, seen: int | Tensor) -> dict[str, Tensor]:
        """Returns the draws of an epoch, tensors of length n by name."""
        draws = {} if self.of_pictures is None else self.of_pictures.draw(n, seed, epoch, seen)
        if self.each is None:
            return draws
        captions = self._captions(seed, epoch)
        if self.worn:
            drawn = torch.zeros(n, int(self.counts.max()), dtype=torch.bool)
            for earlier in range(epoch):
                drawn.scatter_(1, self._captions(seed, earlier), True)
            draws["padded"] = drawn.gather(1, captions)
        return draws | {"captions": captions}

    def _captions(self, seed: int, epoch: int) -> Tensor:
        """Returns the captions of each picture in an epoch, int64 [N, each]."""
        most = int(self.counts.max())
        keys = torch.rand(len(self.counts), most, generator=generator(seed, "captions", epoch))
        order = keys.masked_fill(torch.arange(most) >= self.counts[:, None], 2).argsort(1)
        turns = torch.arange(self.each) % self.counts[:, None]  # from the first again where there are too few
        return order.gather(1, turns)
