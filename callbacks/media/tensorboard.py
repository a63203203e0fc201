"""What TensorBoard's files hold of a medium, and of a run: its settings, and which scalars are drawn together."""

import io
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from core.files.picture_formats import open_picture
from core.media import Audio, Embedding, Figure, Graph, Grid, Histograms, Image, Medium, Table, Text
from core.media_files import channels, one_cell


@singledispatch
def add_to_board(medium: Medium, board: Any, content: bytes) -> None:
    """Writes a medium; nothing of one that TensorBoard has no place for, such as a MIDI file.

    Args:
        medium: The medium.
        board: TensorBoard's writer.
        content: What is in its file.
    """


@add_to_board.register
def _(medium: Image | Grid | Figure, board: Any, content: bytes) -> None:
    board.add_image(_tag(medium), np.asarray(read_picture(content)), medium.step, dataformats="HWC")


@add_to_board.register
def _(medium: Table, board: Any, content: bytes) -> None:
    rows = [[str(word).replace("|", "\\|") for word in row] for row in (medium.header, *medium.rows)]
    lines = ["|".join(["", *row, ""]) for row in rows]
    text = "\n".join([lines[0], "|---" * len(medium.header) + "|", *lines[1:]])
    board.add_text(_tag(medium), text, medium.step)


@add_to_board.register
def _(medium: Text, board: Any, content: bytes) -> None:
    verbatim = "".join(f"    {line}\n" for line in medium.text.split("\n"))  # as four spaces make it
    board.add_text(_tag(medium), verbatim, medium.step)


@add_to_board.register
def _(medium: Embedding, board: Any, content: bytes) -> None:
    labels = [one_cell(label) for label in medium.labels]
    board.add_embedding(medium.vectors, labels, tag=_tag(medium), global_step=medium.step)


@add_to_board.register
def _(medium: Audio, board: Any, content: bytes) -> None:
    board.add_audio(_tag(medium), channels(medium).mean(0, keepdim=True), medium.step, sample_rate=medium.rate)


@add_to_board.register
def _(medium: Histograms, board: Any, content: bytes) -> None:
    for name, one in medium.histograms.items():
        number = float(one.counts.sum())
        board.add_histogram_raw(
            name,
            min=one.least,
            max=one.largest,
            num=number,
            sum=number * one.mean,
            sum_squares=number * (one.deviation**2 + one.mean**2),
            bucket_limits=one.edges[1:].tolist(),
            bucket_counts=one.counts.tolist(),
            global_step=medium.step,
        )


@add_to_board.register
def _(medium: Graph, board: Any, content: bytes) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    for operation in medium.operations:
        node = graph.node.add(name=operation.name, op=operation.kind, input=operation.inputs)
        shape = node.attr["_output_shapes"].list.shape.add()
        for size in operation.shape:
            shape.dim.add(size=size)
    board._get_file_writer().add_event(Event(graph_def=graph.SerializeToString()), medium.step)


def _tag(medium: Medium) -> str:
    return medium.tag or medium.name


def read_picture(content: bytes) -> PillowImage.Image:
    """Returns the picture in a file, in colour."""
    return open_picture(io.BytesIO(content)).convert("RGB")


def describe_run(board: Any, hyperparameters: Mapping[str, Any], measures: Iterable[str]) -> None:
    """Writes a run's settings for the page HParams, and lets training and validation share a chart.

    A run has its entry there from its beginning on; the values of its metrics are the newest of its own scalars.

    Args:
        board: TensorBoard's writer.
        hyperparameters: Settings by dotted key.
        measures: Names of what is logged under `train/` and `val/`.
    """
    from torch.utils.tensorboard.summary import hparams  # takes a second, which a start need not wait for

    names = list(measures)
    values = {key: value if type(value) in (int, float) else str(value) for key, value in hyperparameters.items()}
    for summary in hparams(values, {f"val/{name}": 0.0 for name in names}):
        board._get_file_writer().add_summary(summary)
    if names:
        charts = {name: ["Multiline", [f"^train/{name}$", f"^val/{name}$"]] for name in names}
        board.add_custom_scalars({"training and validation": charts})
