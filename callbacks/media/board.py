"""What TensorBoard's files hold of a medium, and of a run: its settings, and which scalars are drawn together."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from core.media import Audio, Embedding, Figure, Graph, Grid, Histograms, Image, Medium, Table, Text
from core.media_files import channels, one_cell

PICTURES = (Image, Grid, Figure)


def add_to_board(board: Any, medium: Medium, content: bytes) -> None:
    """Writes a medium.

    Args:
        board: TensorBoard's writer.
        medium: The medium.
        content: What is in its file.
    """
    tag, step = medium.tag or medium.name, medium.step
    if isinstance(medium, PICTURES):
        board.add_image(tag, np.asarray(read_picture(content)), step, dataformats="HWC")
    elif isinstance(medium, Table):
        lines = [
            "|".join(["", *(word.replace("|", "\\|") for word in row), ""]) for row in (medium.header, *medium.rows)
        ]
        board.add_text(tag, "\n".join([lines[0], "|---" * len(medium.header) + "|", *lines[1:]]), step)
    elif isinstance(medium, Text):  # four spaces make it verbatim
        board.add_text(tag, "".join(f"    {line}\n" for line in medium.text.split("\n")), step)
    elif isinstance(medium, Embedding):
        board.add_embedding(medium.vectors, [one_cell(label) for label in medium.labels], tag=tag, global_step=step)
    elif isinstance(medium, Audio):
        board.add_audio(tag, channels(medium).mean(0, keepdim=True), step, sample_rate=medium.rate)
    elif isinstance(medium, Histograms):
        _add_histograms(board, medium)
    elif isinstance(medium, Graph):
        _add_graph(board, medium)


def read_picture(content: bytes) -> PillowImage.Image:
    """Returns the picture in a file, in colour."""
    return PillowImage.open(io.BytesIO(content)).convert("RGB")


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


def _add_histograms(board: Any, medium: Histograms) -> None:
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


def _add_graph(board: Any, medium: Graph) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    for operation in medium.operations:
        node = graph.node.add(name=operation.name, op=operation.kind, input=operation.inputs)
        shape = node.attr["_output_shapes"].list.shape.add()
        for size in operation.shape:
            shape.dim.add(size=size)
    board._get_file_writer().add_event(Event(graph_def=graph.SerializeToString()), medium.step)
