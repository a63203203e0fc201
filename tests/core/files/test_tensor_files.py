"""Files of tensors hold plain values, no part of them holds itself, and none unpacks to more than it holds."""

import ast
import os
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from core.errors import InputError
from core.files import plain_yaml
from core.files.tensor_files import load_checkpoint, load_safetensors, load_tensors
from tests.processes import ROOT
from tests.sources import full_name, imported_names, sources


def test_parts_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    content: dict = {"a": torch.zeros(1)}
    content["b"] = [content, content]
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="holds parts that hold themselves"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_the_name_says_whether_a_file_is_of_safetensors(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(3)}
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save(tensors, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        assert load_tensors(tmp_path / name)["a"].tolist() == [0, 1, 2], name


def test_parts_that_stand_there_twice_are_read(tmp_path: Path) -> None:
    part = {"x": [1, 2]}
    content = {str(number): part for number in range(100)}
    torch.save(content, tmp_path / "a.ckpt")
    assert load_checkpoint(tmp_path / "a.ckpt") == content


def test_safetensors_are_read_or_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert load_safetensors(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
    (tmp_path / "b.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00nothing")
    with pytest.raises(InputError, match=r"b\.safetensors: no safetensors file"):
        load_safetensors(tmp_path / "b.safetensors")


@pytest.mark.parametrize("read", [load_checkpoint, load_safetensors])
def test_a_pipe_is_not_waited_for(read: object, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a pipe or a device"):
        read(tmp_path / "pipe")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file as torch writes it."""
    torch.save({"state_dict": {"weight": torch.zeros(100_000)}}, tmp_path / "saved.ckpt")
    return tmp_path / "saved.ckpt"


def test_what_torch_writes_is_read(saved: Path, tmp_path: Path) -> None:
    assert load_checkpoint(saved)["state_dict"]["weight"].shape == (100_000,)
    torch.save({"a": torch.zeros(3)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert load_checkpoint(tmp_path / "old.pth")["a"].shape == (3,)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries_are_refused(method: int, saved: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(bomb, "w", method) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    assert bomb.stat().st_size < saved.stat().st_size / 10
    with pytest.raises(InputError, match=r"bomb\.ckpt: no checkpoint: .* in it is compressed, which torch never does"):
        load_checkpoint(bomb)


def test_a_size_that_is_not_there_is_refused(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    size = (400_000).to_bytes(4, "little")
    claimed = (4_000_000_000).to_bytes(4, "little")
    saved.write_bytes(content.replace(size, claimed))
    with pytest.raises(InputError, match="bytes and claims to hold 4,000,"):
        load_checkpoint(saved)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"hello", os.urandom(1000)])
def test_what_is_no_archive_is_left_to_torch(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match="a: no checkpoint"):
        load_checkpoint(tmp_path / "a")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1, dtype=torch.uint8).expand(10**11),
        torch.zeros(3, 1).expand(3, 10**9),
        torch.empty(10**9, device="meta"),
    ],
)
def test_tensors_that_repeat_few_values_endlessly_are_refused(tensor: torch.Tensor, tmp_path: Path) -> None:
    """Whoever copied one would ask for all of its memory."""
    torch.save({"state_dict": {"weight": torch.ones(2)}, "data": [{"vocabulary": tensor}]}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"a.ckpt: no checkpoint: its tensors repeat values, .* [\d,]+ bytes more"):
        load_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.filterwarnings("ignore:.*[Ss]parse")
def test_tensors_of_a_module_are_read_however_they_lie(tmp_path: Path) -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "tied": weight,
        "turned": weight.T,
        "part": weight[1:, ::2],
        "repeated": torch.ones(1, 1).expand(1000, 1000),
        "sparse": weight.to_sparse(),
        "none": torch.zeros(0, 10**9),
        "number": torch.tensor(1.0),
    }
    torch.save({"state_dict": tensors | {"weight": weight}}, tmp_path / "a.ckpt")
    read = load_checkpoint(tmp_path / "a.ckpt")["state_dict"]
    for name, tensor in tensors.items():
        assert torch.equal(read[name].to_dense(), tensor.to_dense())


# Where what a file holds could run code, and why it does not. ("torchvision.datasets" stands for its data sets.)
LOADED = {
    ("core/files/tensor_files.py", "torch.load"),  # weights_only=True
    ("core/files/published_weights.py", "get_state_dict"),  # likewise
    ("core/files/plain_yaml.py", "yaml.load"),  # with a safe loader
    ("datamodules/cifar10.py", "torchvision.datasets"),  # reads its pickles if they have the published checksums
    ("engine/export/formats.py", "torch.export.load"),  # what this call has just made, in memory
    ("engine/export/formats.py", "torch.jit.load"),
}
LOADERS = {"torch.load", "torch.jit.load", "torch.export.load", "torch.hub.load", "numpy.load", "pandas.read_pickle"}
LOADERS |= {"torch.hub.load_state_dict_from_url", "torch.utils.model_zoo.load_url", "eval", "exec"}
LOADERS |= {f"yaml.{name}" for name in ("load", "load_all", "full_load", "unsafe_load", "Loader", "UnsafeLoader")}
PICKLES = ("pickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch.package")
READING = ("load", "loads", "Unpickler", "open", "Shelf", "PackageImporter")


def loaders_in(text: str) -> set[str]:
    """Lists what a source file names that runs code which a file may hold."""
    tree = ast.parse(text)
    names, found = imported_names(tree), set()
    for node in ast.walk(tree):
        name = full_name(node, names)
        module, _, function = name.rpartition(".")
        if name in LOADERS or (module in PICKLES and function in READING):
            found.add(name)
        elif function == "get_state_dict":  # of torchvision's weights
            found.add(function)
        elif isinstance(node, ast.Call) and full_name(node.func, names).startswith("torchvision.datasets."):
            kind = full_name(node.func, names).removeprefix("torchvision.datasets.")
            found |= {"torchvision.datasets"} if kind[:1].isupper() else set()
    return found


def test_files_that_could_run_code_are_loaded_in_one_place() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sources()
        for name in loaders_in(path.read_text(encoding="utf-8"))
    }
    assert found == LOADED


@pytest.mark.parametrize(
    ("file", "function"), [("tensor_files", "torch.load"), ("published_weights", "weights.get_state_dict")]
)
def test_weights_are_loaded_as_weights_alone(file: str, function: str) -> None:
    tree = ast.parse((ROOT / f"core/files/{file}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == function]
    assert calls
    assert all("weights_only=True" in map(ast.unparse, call.keywords) for call in calls)


def test_yaml_is_read_by_safe_loaders() -> None:
    assert {plain_yaml.LOADER, plain_yaml.DUMPER} <= {
        getattr(yaml, f"{prefix}Safe{kind}", None) for prefix in ("", "C") for kind in ("Loader", "Dumper")
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("torch.load(x)", "torch.load"),
        ("from torch import load as read\nread(x)", "torch.load"),
        ("import numpy as np\nread = np.load", "numpy.load"),
        ("import pickle\npickle.loads(x)", "pickle.loads"),
        ("from pickle import Unpickler", None),
        ("from pickle import Unpickler\nUnpickler(x).load()", "pickle.Unpickler"),
        ("yaml.load(x, yaml.CSafeLoader)", "yaml.load"),
        ("from torchvision import datasets\ndatasets.CIFAR100(x)", "torchvision.datasets"),
        ("exec(x)", "exec"),
        ("yaml.safe_load(x), json.loads(x), model.eval(), np.loadtxt(x), load_file(x)", None),
    ],
)
def test_the_rule_knows_what_runs_code(text: str, found: str | None) -> None:
    assert loaders_in(text) == ({found} if found else set())
