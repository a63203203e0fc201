"""The command `export`: writes a trained network as a file for other programs, once it has been compared with it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, RunFailed
from core.files.outputs import check_output_file, needed_output, write_output
from core.terminal.one_line_parser import OneLineParser
from engine.settings.overview import typed_command

if TYPE_CHECKING:
    from core.protocols.export_forms import Slot
    from engine.export.parity import Difference
    from engine.restored_model import RestoredModel

ENDINGS = {".onnx": "onnx", ".pt2": "exported_program", ".pt": "torchscript", ".safetensors": "safetensors"}
WEIGHTS = "safetensors"  # the one format that holds no network
DESCRIPTION = """\
Writes the network of a run, with the weights of its best checkpoint, as a file that other programs read. What happens
to its inputs, such as normalisation, is within; names of classes and the vocabulary are beside it. The file is only
written if it computes what the network does. Other options are those of predict, such as --data.data_dir.
"""


def export(argv: list[str]) -> int:
    """Runs the command.

    Args:
        argv: What follows `export`.

    Returns:
        Exit code 0.

    Raises:
        InputError: There is no such run, or its network cannot be used without this project.
        RunFailed: The file computes something else than the network; it is not written.
    """
    arguments, others = _parser().parse_known_args(argv)
    path = check_output_file(arguments.output, "network.onnx")
    name = _format_of(path, arguments.output, arguments.format)
    if name != WEIGHTS:
        from engine.export.formats import FORMATS

        FORMATS[name].check()
    from core.terminal.console import print_line
    from engine.restored_model import RestoredModel

    trained = RestoredModel("export", arguments.ckpt_path, others)
    _check_not_read(trained, path, arguments.output)
    print_line(f"weights  {trained.measured}")
    content, lines = _weights(trained) if name == WEIGHTS else _network(trained, name)
    write_output(path, content, arguments.output)
    size = f"{len(content) / 1e6:,.1f} MB" if len(content) >= 1e6 else f"{len(content) / 1e3:,.1f} kB"
    for line in (*lines, f"written  {arguments.output}, {size}"):
        print_line(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(f"{typed_command()} export", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--ckpt_path", metavar="RUN", help="run folder or checkpoint whose network is written")
    parser.add_argument("--output", required=True, metavar="FILE", help="the file, such as network.onnx")
    parser.add_argument("--format", choices=list(ENDINGS.values()), help="what it is; by its ending if not given")
    return parser


def _format_of(path: Path, given: str, chosen: str | None) -> str:
    """Returns the name of the format of a file.

    Raises:
        InputError: Nothing tells it, or its ending tells another one.
    """
    by_ending = ENDINGS.get(path.suffix.lower())
    name = chosen or by_ending
    if name is None:
        raise InputError(f"--output {given}: end it in {', '.join(ENDINGS)}, or give --format")
    if by_ending not in (None, name):
        (ending,) = (one for one, of in ENDINGS.items() if of == name)
        raise InputError(f"--format {name}: {given} is named as a file of {by_ending}; end it in {ending}")
    return name


def _check_not_read(trained: "RestoredModel", path: Path, given: str) -> None:
    """Checks that a file is not what the weights are read from.

    Raises:
        InputError: It is.
    """
    if path.is_file() and any(path.samefile(read) for read in trained.weight_files):
        raise needed_output(given, "is what the weights are read from")


def _network(trained: "RestoredModel", name: str) -> tuple[bytes, list[str]]:
    """Returns the content of a file that holds the network, and lines about it.

    Raises:
        InputError: The network cannot be used without this project, or not in this format.
        RunFailed: The file computes something else.
    """
    from core.protocols.export_forms import HasExportForm
    from engine.export.formats import FORMATS
    from engine.export.parity import differences

    model, format_ = trained.model, FORMATS[name]
    kind = type(model).__name__
    if not isinstance(model, HasExportForm):
        way_out = f"--format {WEIGHTS} writes its weights, with --output NAME.{WEIGHTS}"
        raise InputError(f"export: {kind} has no form that other programs run; {way_out}")
    try:
        form = model.export_form(trained.datamodule)
    except InputError as error:
        raise InputError(f"export: {error}") from error
    slots = (*form.inputs, *form.outputs)
    facts = _facts(trained) | {slot.name: slot.words for slot in slots} | form.facts
    others = ", ".join(other for other in ENDINGS.values() if other != name)
    try:
        content = format_.make(form, facts)
        run = format_.read(content)
    except InputError:
        raise
    except Exception as error:  # of exporters, which have many kinds
        reason = " ".join(str(error).split("\n\n")[0].split())[:300]
        raise InputError(f"export: {kind} cannot be written as {name} ({reason}); other formats: {others}") from error
    lines = [_line("takes" if slot in form.inputs else "gives", slot) for slot in slots]
    return content, [*lines, _parity(format_.runtime, list(differences(form, run)), others)]


def _parity(runtime: str, found: "list[Difference]", others: str) -> str:
    """Returns the line on how far what a file computes is apart from the network.

    Args:
        runtime: What runs the file.
        found: The differences, batch by batch.
        others: Names of other formats.

    Raises:
        RunFailed: They are too far apart.
    """
    from engine.export.parity import ALLOWED, BATCHES

    for one in found:
        if one.reason:
            raise RunFailed(f"export: {runtime} {one.reason}; nothing is written; other formats: {others}")
    furthest = max(one.size for one in found)
    batches = f"{', '.join(map(str, BATCHES[:-1]))} and {BATCHES[-1]}"
    return f"parity   {runtime} agrees on batches of {batches}: {furthest:.1e} apart at most, {ALLOWED:.0e} allowed"


def _weights(trained: "RestoredModel") -> tuple[bytes, list[str]]:
    """Returns the content of a file of weights, and no lines; running metrics are left out."""
    from safetensors.torch import load, save

    from core.tensor_bits import have_same_bits
    from engine.weights.weight_forms import without_metrics

    own = without_metrics(trained.model.state_dict())
    weights = {name: value.contiguous().clone() for name, value in own.items()}  # two of one memory are written twice
    content = save(weights, metadata=_facts(trained))
    for name, value in load(content).items():
        if not have_same_bits(value, weights[name]):
            raise RunFailed(f"export: the file has other numbers in {name}; nothing is written")
    return content, []


def _facts(trained: "RestoredModel") -> dict[str, str]:
    """Returns what is known of a network, by name."""
    facts = {"network": type(trained.model).__name__, "weights": str(trained.measured), "made_by": "Primer"}
    return facts | {"data": trained.data_name} | ({} if trained.run_name is None else {"run": trained.run_name})


def _line(verb: str, slot: "Slot") -> str:
    return f"{verb:<9}{slot.name} [{', '.join(map(str, slot.axes))}]: {slot.words}"
