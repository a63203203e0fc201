"""What media are as files."""

import csv
import io
import wave
from collections.abc import Iterable, Sequence
from functools import singledispatch

import torch
from PIL import Image as PillowImage
from torch import Tensor

from core.fonts import all_letters
from core.media import Audio, Embedding, Figure, File, Graph, Grid, Histograms, Image, Medium, Table, Text
from core.terminal.printable import cell


@singledispatch
def encode(medium: Medium) -> tuple[str, bytes]:
    """Returns the ending of a medium's file, and its content; both are empty for one that has no file."""
    raise TypeError(f"{type(medium).__name__} is no medium of core.media")


@encode.register
def _(medium: Image | Grid) -> tuple[str, bytes]:
    content = io.BytesIO()
    PillowImage.fromarray(medium.pixels.cpu().squeeze(-1).numpy()).save(content, "png")
    return ".png", content.getvalue()


@encode.register
def _(medium: Figure) -> tuple[str, bytes]:
    content = io.BytesIO()
    with all_letters(medium.figure):
        medium.figure.savefig(content, format="png")
    return ".png", content.getvalue()


@encode.register
def _(medium: Table) -> tuple[str, bytes]:
    return ".csv", as_csv(medium.header, medium.rows, end="\n")


@encode.register
def _(medium: Text) -> tuple[str, bytes]:
    parts = [f"=== epoch {epoch}\n{text}\n" for epoch, text in texts_by_epoch(medium)]
    return ".txt", ("\n".join(parts) if parts else f"{medium.text}\n").encode()


@encode.register
def _(medium: Embedding) -> tuple[str, bytes]:
    rows = zip(medium.labels, medium.vectors.tolist(), strict=True)
    lines = ["\t".join([one_cell(label), *(f"{value:.6g}" for value in row)]) for label, row in rows]
    return ".tsv", "".join(f"{line}\n" for line in lines).encode()


@encode.register
def _(medium: Audio) -> tuple[str, bytes]:
    content = io.BytesIO()
    samples = channels(medium)
    with wave.open(content, "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(medium.rate)
        file.writeframes((samples * 32767).round().to(torch.int16).T.contiguous().numpy().astype("<i2").tobytes())
    return ".wav", content.getvalue()


@encode.register
def _(medium: Histograms) -> tuple[str, bytes]:
    figures = ("mean", "deviation", "least", "largest", "zeros")
    rows = [[name, *(f"{getattr(one, f):.6g}" for f in figures)] for name, one in medium.histograms.items()]
    return encode(Table(name=medium.name, step=medium.step, header=("name", *figures), rows=rows))


@encode.register
def _(medium: Graph) -> tuple[str, bytes]:
    return "", b""


@encode.register
def _(medium: File) -> tuple[str, bytes]:
    return medium.ending, medium.content


def texts_by_epoch(medium: Text) -> list[tuple[int, str]]:
    """Returns epochs and their texts; empty for a text of no epoch."""
    return [] if medium.epoch is None else [*medium.earlier, (medium.epoch, medium.text)]


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]], end: str = "\r\n") -> bytes:
    """Returns a table as CSV, in which no spreadsheet finds formulas.

    Args:
        header: Names of the columns.
        rows: Cells, texts or numbers; None leaves one empty.
        end: Ends each line; a bare carriage return in a cell is quoted with the default alone.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(
        ["" if word is None else cell(str(word)) for word in row] for row in (header, *rows)
    )
    return text.getvalue().encode()


def one_cell(label: str) -> str:
    """Returns a label without tabs and line ends, which end a cell and a row."""
    return " ".join(label.split()) or "_"


def channels(medium: Audio) -> Tensor:
    """Returns amplitudes, float32 [C, L]."""
    return torch.atleast_2d(medium.samples.detach().float().cpu()).clamp(-1, 1)
