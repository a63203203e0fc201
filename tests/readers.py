"""All readers of files that can come from anybody, with whole files of each kind."""

import gzip
import io
import json
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image
from safetensors.torch import save, save_file

from callbacks.exact_resume import config_of_run
from core.errors import InputError
from core.files.tensor_files import load_checkpoint
from core.metric_rows import intact_rows
from core.summary import read_summary
from datamodules.base.cache import cached
from datamodules.captioned.encoder import CaptionEncoder, CaptionEncoding
from datamodules.captioned.files import read_captions
from datamodules.cifar10 import CIFAR10DataModule
from datamodules.images.picture import picture_size, read_content, read_picture
from datamodules.mnist import _read_idx
from datamodules.pairs.encoder import PairEncoder
from datamodules.pairs.files import read_pairs
from datamodules.pairs.pieces import PairEncoding
from datamodules.svhn import read_digits
from datamodules.text.encoder import Encoder
from datamodules.text.encoding import Encoding
from datamodules.text.numbering import class_names_of
from datamodules.text.tables import read_columns, read_table
from datamodules.text.text_files import read_lines
from datamodules.text.vocabulary import read_saved
from datamodules.tunes.bars import right_bars
from datamodules.tunes.files import read_collection
from datamodules.tunes.midi import midi_bytes
from datamodules.tunes.playing import performed
from datamodules.tunes.reading import read_tune
from datamodules.tunes.symbols import as_learned, read_vocabulary
from datamodules.tunes.variants import groups
from datamodules.words.evaluations import read_test
from datamodules.words.vector_files import as_binary, as_text, read_vectors
from engine.runs.checkpoint_of_run import read_run_checkpoint
from engine.runs.run_files import take_up
from engine.runs.trial_file import read_trial
from engine.settings.config_files import flatten, read_config
from engine.settings.trust import refuse_foreign_code
from engine.weights.initial_weights import read_weights
from lightning_modules.layers.named_networks import make_feature_network
from studies.report.reported import find_runs
from studies.run_on_disk import RunOnDisk
from studies.study_file import read_study_file
from studies.study_folder import StudyFolder
from tests.damage import Reader
from tests.tiny import TINY_CONFIG

TUNE = """\
X:1
T:A tune
R:jig
M:6/8
L:1/8
K:G
"Am"A2B cde|[CEG]3 (3abc d>e|1 z6 :|2 [M:4/4] A,,/2B//^c'4-c4|]
X:2
M:C
K:Ador
A>B c<d Z2|[K:D] e2f2 g4 |: a8 :|
"""
FIELDS = [b"\nX:1\n", b"\nM:6/8\n", b"\nL:1/1\n", b"\nK:G\n", b"[M:9999/1]", b"[L:1/99999]", b"V:2\n", b"M:C|\n"]
NOTES = [
    b"A",
    b"64",
    b"64 ",
    b"z",
    b"Z",
    b"Z64",
    b"/",
    b"//",
    b">",
    b"< ",
    b"|",
    b":|",
    b"(3",
    b"(9:9:9",
    b"^^c'",
    b"-",
]
NOTES += [b"[A ", b"[A A", b"[ACE]", b"+A", b'"Am', b'"susussus', b"y1", b"{a}", b"A2 64 "]
SUMMARY = {
    "status": "finished",
    "seed": 1,
    "epochs": 2,
    "steps": 10,
    "seconds": {"fit": 1.5},
    "last": {"epoch": 1, "step": 10, "metrics": {"val/loss": 0.5, "val/acc": None}},
    "best": {"epoch": 0, "step": 5, "metrics": {"val/loss": 0.4}},
    "tests": [{"checkpoint": "best.ckpt", "epoch": 0, "step": 5, "metrics": {"test/acc": 0.9}}],
    "data": {"name": "x", "sizes": {"train": 10}},
    "versions": {"torch": "2"},
}
EARLIER = {
    "status": "finished",
    "epochs": 2,
    "steps": 10,
    "metrics": {"train/loss": 1.0, "val/acc": 0.5, "test/acc": 0.5},
}
TRIAL = {"number": 0, "settings": {"a.b": 1}, "halving": {"metric": "m", "mode": "min", "epochs": [1], "eta": 3}}
TRIAL |= {"ended": {"status": "finished", "reason": "", "seconds": 1.0}, "kills": 0, "pruned": None, "reached": None}
STUDY = {
    "command": ["python", "cli.py", "fit", "--config", "a.yaml", "--config", "${args_json_file}"],
    "method": "random",
    "metric": {"name": "val/loss", "goal": "minimize", "target": 0.1},
    "parameters": {"a.b": {"values": [1, 2]}, "c": {"min": 0.1, "max": 1.0}, "d": {"mu": 1, "sigma": 2}},
    "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 3},
    "run_cap": 3,
}
YAML = [
    b"!!int x",
    b"!!float ",
    b"!!timestamp a",
    b"2000-99-99",
    b"0b_",
    b"0x_",
    b"1:99:99",
    b"!!binary =",
    b"!!set {a}",
]
YAML += [b"!!python/object/apply:os.system [ls]", b"&a ", b"*a", b"<<: *a\n", b"- ", b"? ", b": ", b"\n  ", b"---\n"]
YAML += [b"class_path: os.system\n", b"[[[[[[[[", b"{a: &a [*a]}", b".inf", b"~"]
JSON = [b'{"symbols": [', b'"\\ud800"', b"1e400", b"NaN", b'{"a": ' * 50, b"[" * 5000, b'"images": ', b"]}"]
PICKLE = [
    b"cos\nsystem\n",
    b"\x80\x02",
    b"}",
    b"q\x00",
    b"h\x00",
    b"u.",
    b"(",
    b"X\x01\x00\x00\x00a",
    b"ctorch\nSize\n",
]


def _example_checkpoint() -> dict[str, Any]:
    state = {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return {
        "state_dict": {"net.weight": torch.arange(6.0).view(2, 3), "net.bias": torch.zeros(2)},
        "pytorch-lightning_version": "2.6.0",
        "optimizer_states": [state],
        "lr_schedulers": [],
        "loops": {"fit_loop": {}},
        "callbacks": {"a": {}},
        "epoch": 1,
        "global_step": 2,
        "run_config": json.dumps({"model": {"class_path": "lightning_modules.VGG"}}),
    }


@cache
def checkpoints() -> list[bytes]:
    """Returns files of torch in both of its forms."""
    found = []
    for new in (True, False):
        stream = io.BytesIO()
        torch.save(_example_checkpoint(), stream, _use_new_zipfile_serialization=new)
        found.append(stream.getvalue())
    return found


@cache
def networks() -> list[bytes]:
    """Returns weights of a VGG-16 of one channel, as torchvision names them, and of another network."""
    weights = {}
    for number in range(13):
        weights[f"features.{number}.weight"] = torch.full((1, 3 if number == 0 else 1, 3, 3), 0.1)
        weights[f"features.{number}.bias"] = torch.zeros(1)
    stream = io.BytesIO()
    torch.save(weights, stream)
    return [stream.getvalue(), *checkpoints()]


@cache
def safetensors() -> list[bytes]:
    """Returns a file of safetensors."""
    return [save({"net.weight": torch.zeros(2, 3), "b": torch.ones(1, dtype=torch.int64)}, {"key": "x"})]


@cache
def digits() -> list[bytes]:
    """Returns files of MATLAB, compressed and not."""
    from scipy.io import savemat

    found = []
    for packed in (True, False):
        stream = io.BytesIO()
        content = {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[1], [10]], np.uint8)}
        savemat(stream, content, do_compression=packed)
        found.append(stream.getvalue())
    return found


@cache
def pictures(*formats: str) -> list[bytes]:
    """Returns pictures in formats of Pillow."""
    found = []
    for name in formats or ("PNG", "JPEG", "TIFF", "GIF", "BMP", "PPM", "WEBP"):
        for mode in ("RGB", "L", "P", "I;16"):
            stream = io.BytesIO()
            try:
                Image.new(mode, (6, 5)).save(stream, name)
            except (OSError, ValueError, KeyError):  # a format without this mode
                continue
            found.append(stream.getvalue())
    return found


def _idx(dims: int) -> Callable[[], list[bytes]]:
    def make() -> list[bytes]:
        shape = (2, 28, 28)[:dims]
        content = bytes((0, 0, 8, dims)) + struct.pack(f">{dims}I", *shape) + bytes(int(np.prod(shape)))
        return [content, gzip.compress(content)]

    return make


def _texts(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


def _json(*contents: Any) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(content).encode() for content in contents]


def _documents(path: Path) -> None:
    content = read_saved(path)
    encoder = Encoder.from_content(content, path)
    encoder.encode("some text a b")
    tuple(content.get("class_names", ()))


def _vocabulary() -> list[bytes]:
    encoder = Encoder(Encoding())
    encoder.fit(["a b c", "some text"])
    pieces = Encoder(Encoding(tokenizer="subword", max_size=30))
    pieces.fit(["a b c", "some text"])
    captions = CaptionEncoder(CaptionEncoding(min_count=1)).fitted(["A dog runs.", "A cat."])
    pairs = PairEncoder(PairEncoding(tokenizer="char", size=None)).fitted(["a sentence"], ["ein Satz"])
    contents = [
        encoder.content() | {"class_names": ["x", "y"]},
        pieces.content(),
        {"kind": "tokens", "tokens": ["A"], "symbols": ["\x00end", "A"]},
        {"symbols": ["a"], "counts": [1]},
        captions.content(),
        pairs.content(),
    ]
    return [json.dumps(content).encode() for content in contents]


def _counts(path: Path) -> None:
    torch.tensor(read_saved(path).get("counts", []), dtype=torch.int64)


def _tunes(path: Path) -> None:
    collection = read_collection(path)
    collection.lines()
    for tune in collection.tunes[:5]:
        learned = as_learned(tune, "tokens")
        right_bars(learned)
        assert read_tune(tune.text).body, "a tidied tune is read again"
        performed(tune)
    groups(collection.tunes[:5])


def _midi() -> list[bytes]:
    notes = performed(read_tune(TUNE.partition("X:2")[0]))
    return [midi_bytes(notes, "6/8"), midi_bytes(notes, "none")]


def _runs(name: str) -> Callable[[Path], None]:
    """Returns what reads a run's folder of which one file is damaged."""
    files = {
        "config.yaml": TINY_CONFIG.encode(),
        "summary.json": json.dumps(SUMMARY).encode(),
        "metrics.csv": b"epoch,step,val/loss\n0,5,0.5\n1,10,0.4\n",
        "trial.json": json.dumps(TRIAL).encode(),
        "../study.json": json.dumps({"file": STUDY, "seeds": [], "settings": {"a.b": 1}}).encode(),
    }

    def read(path: Path) -> None:
        run = path.parent / "study" / "0000-a" if name == "../study.json" else path.parent
        run.mkdir(parents=True, exist_ok=True)
        for other, content in files.items():
            (run / other).write_bytes(path.read_bytes() if other == name else content)
        on_disk = RunOnDisk.read(run)
        str((on_disk.status, on_disk.best, on_disk.seconds))
        found, _ = find_runs([str(run)])
        str([(one.figures, one.seconds, one.rows) for one in found])
        StudyFolder(run.parent).description()
        StudyFolder(run.parent).trials()
        take_up(run, alone=True)

    return read


def _weights(path: Path) -> None:
    load_checkpoint(path)
    read_weights(str(path))


def _run_checkpoint(path: Path) -> None:
    config_of_run(read_run_checkpoint(path, to_continue=True))


def _cache(path: Path) -> None:
    found = cached(path, "x", lambda: {"a": torch.zeros(1)})
    assert found["a"].shape == (1,)


def _cache_file() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cache.safetensors")
        cached(path, "x", lambda: {"a": torch.zeros(1)})
        content = path.read_bytes()
        save_file({"a": torch.zeros(1)}, path, metadata={"key": "other"})
        return [content, path.read_bytes()]


def _config(path: Path) -> None:
    content = read_config(path)
    flatten(content)
    refuse_foreign_code(path, content)


def _table(path: Path) -> None:
    class_names_of(read_table(path, "text", "label"), "it")


def _columns(path: Path) -> None:
    class_names_of(read_columns(path, None), "it")
    read_columns(path, 1, ["a", "b"])


def _picture(path: Path) -> None:
    picture_size(path)
    read_picture(path, 8, 3, True)


def _cifar(path: Path) -> None:
    CIFAR10DataModule(data_dir=str(path.parents[1])).read()


VECTORS = (["a", "b", "é"], torch.arange(6.0).view(3, 2))
TABLE = ('text,label\nsome text,a\n"other, text",b\n', "text\tlabel\nx\t0\ny\t1\n", "text;label\nx;0\ny;1\n")
COCO = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "caption": "A dog."}]}
KARPATHY = {"images": [{"filename": "1.jpg", "filepath": "a", "split": "train", "sentences": [{"raw": "A dog."}]}]}
PAIRS = ("a sentence\tein Satz\nanother\tnoch einer\n",)
NUMBERS = [b"1 2\n", b"-1 -1\n", b"3 99999999999\n", b"99999999999999999 1\n", b" 0.5", b"a ", b"3 0\n", b"5 -1\n "]

READERS: dict[str, Reader] = {
    "idx of images": Reader("a-ubyte", lambda: _idx(3)()[:1], lambda path: _read_idx(path, 3)),
    "gzipped idx": Reader("a-ubyte.gz", lambda: _idx(1)()[1:], lambda path: _read_idx(path, 1)),
    "cifar batches": Reader("cifar-10-batches-py/data_batch_1", lambda: [b"\x80\x02}q\x00."], _cifar, PICKLE),
    "digits": Reader("a.mat", digits, read_digits),
    "table": Reader("a.csv", _texts(*TABLE), _table, [b"text,label\n", b'"a', b",b\n"]),
    "table of tabs": Reader("a.tsv", _texts(*TABLE), _table, [b"text\tlabel\n", b"\tb\n"]),
    "columns": Reader("a.csv", _texts("x,0\ny,1\nz,0\n"), _columns, [b"a,0\n", b"b,1\n"]),
    "columns of tabs": Reader("a.txt", _texts("x\t0\ny\t1\nz\t0\n"), _columns, [b"a\t0\n", b"b\t1\n"]),
    "gzipped table": Reader("a.tsv.gz", lambda: [gzip.compress(TABLE[1].encode())], _table),
    "texts to predict": Reader("a.txt", _texts("one\n\ntwo\n"), lambda path: read_lines([str(path)])),
    "sentences and translations": Reader("a.tsv", _texts(*PAIRS), lambda path: read_pairs([path]), [b"a\tb\n"]),
    "vocabulary of documents": Reader("vocabulary.json", _vocabulary, _documents, JSON),
    "vocabulary of captions": Reader(
        "vocabulary.json", _vocabulary, lambda path: CaptionEncoder.from_content(read_saved(path), path), JSON
    ),
    "vocabulary of pairs": Reader(
        "vocabulary.json", _vocabulary, lambda path: PairEncoder.from_content(read_saved(path), path), JSON
    ),
    "vocabulary of tunes": Reader("vocabulary.json", _vocabulary, lambda path: read_vocabulary(path, "tokens"), JSON),
    "counts of words": Reader("vocabulary.json", _vocabulary, _counts, JSON),
    "checkpoint": Reader("a.ckpt", checkpoints, _run_checkpoint, PICKLE),
    "weights": Reader("a.pth", checkpoints, _weights, PICKLE),
    "safetensors": Reader("a.safetensors", safetensors, lambda path: read_weights(str(path)), [b'{"a":{"dtype":"F64"']),
    "features of a file": Reader(
        "a.pth", networks, lambda path: make_feature_network(str(path), ["relu1_1"], "max"), PICKLE
    ),
    "cache": Reader("a.cache.safetensors", _cache_file, _cache),
    "config": Reader("config.yaml", lambda: [TINY_CONFIG.encode()], _config, YAML),
    "study": Reader("study.yaml", lambda: [yaml.safe_dump(STUDY).encode()], read_study_file, YAML),
    "tunes": Reader("a.abc", _texts(TUNE), _tunes, [*FIELDS, *NOTES]),
    "midi": Reader("a.mid", _midi, _tunes, [b"MTrk", b"MThd", b"\xff\x58\x04", b"\x90\x3c\x40", b"\x80\x3c\x40"]),
    "vectors": Reader("a.txt", lambda: [as_text(*VECTORS), b"a 1 2\nb 3 4\n"], read_vectors, NUMBERS),
    "binary vectors": Reader("a.bin", lambda: [as_binary(*VECTORS)], read_vectors, NUMBERS),
    "captions of COCO or Karpathy": Reader("a.json", _json(COCO, KARPATHY), lambda path: read_captions([path]), JSON),
    "table of captions": Reader(
        "a.csv",
        _texts("file,caption,split\n1.jpg,A dog.,train\n", "1.jpg#0\tA dog.\n"),
        lambda path: read_captions([path]),
    ),
    "judged words": Reader(
        "a.txt",
        _texts("a b 0.5\nb a 1\n", ": kind\na b a b\n", "a,b,1\nb,a,2\n"),
        lambda path: read_test(path, "a", {"a": 0, "b": 1}, True),
        [b"a b 1\n", b"a b a b\n", b": x\n"],
    ),
    "picture": Reader("a.png", pictures, _picture),
    "sent picture": Reader(
        "a.png", lambda: pictures("PNG", "JPEG", "GIF", "WEBP"), lambda path: read_content(path.read_bytes(), 8, 3)
    ),
    "summary": Reader(
        "summary.json", _json(SUMMARY, EARLIER), lambda path: read_summary(path), JSON, (InputError, ValueError)
    ),
    "trial": Reader("trial.json", _json(TRIAL), lambda path: read_trial(path.parent), JSON, (InputError, ValueError)),
    "rows": Reader("metrics.csv", _texts("epoch,step,a\n0,1,0.5\n"), lambda path: intact_rows(path)),
    **{
        f"run with another {name}": Reader(name.removeprefix("../"), examples, _runs(name), pieces)
        for name, examples, pieces in (
            ("config.yaml", lambda: [TINY_CONFIG.encode()], YAML),
            ("summary.json", _json(SUMMARY, EARLIER), JSON),
            ("metrics.csv", _texts("epoch,step,a\n0,1,0.5\n"), [b"0,1,2\n", b"epoch,step,a\n", b'"']),
            ("trial.json", _json(TRIAL), JSON),
            ("../study.json", _json({"file": STUDY, "seeds": [], "settings": {}}), JSON),
        )
    },
}
