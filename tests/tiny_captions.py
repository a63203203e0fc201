"""The smallest forms of pictures with captions, and of networks that describe them."""

from pathlib import Path
from typing import Any

from datamodules import CaptionDataModule
from datamodules.captioned.encoder import CaptionEncoding
from datamodules.captioned.reading import drawn_pictures
from datamodules.captioned.splits import CaptionedImages
from tests.pictures import picture


class TinyCaptions(CaptionDataModule):
    """40 drawn pictures to train on, 6 to validate, 10 to test."""

    def __init__(
        self,
        batch_size: int = 8,
        image_size: int = 16,
        captions_each: int | None = None,
        count_padding: bool = False,
        vocabulary: str | None = None,
        data_dir: str = "data",
        encoding: CaptionEncoding = CaptionEncoding(min_count=1),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__(
            data_dir,
            "synthetic",
            image_size=image_size,
            batch_size=batch_size,
            eval_batch_size=4,
            captions_each=captions_each,
            count_padding=count_padding,
            vocabulary=vocabulary,
            encoding=encoding,
        )

    def synthesize(self) -> dict[str, CaptionedImages]:
        """Draws the pictures."""
        return self._numbered(drawn_pictures({"train": 40, "val": 6, "test": 10}, self.image_size))


def folder_of_captions(folder: Path, n: int = 12, each: int = 2, **sizes: Any) -> Path:
    """Writes pictures of noise, `Images/0.png` and so on, and a table of captions beside their folder."""
    rows = ["file,caption"]
    for number in range(n):
        picture(folder / "Images" / f"{number}.png", (20, 16), seed=number)
        rows += [f'{number}.png,"A dog, {number % 3}, runs number {k} ."' for k in range(each)]
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder
