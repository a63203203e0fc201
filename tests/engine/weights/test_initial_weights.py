"""Weights to start from, as far as they fit."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule
from safetensors.torch import save_file

from core.errors import InputError
from core.files.download import STALL_TIMEOUT
from datamodules.text.vocabulary import to_bytes
from datamodules.words.vector_files import as_text
from engine.weights.initial_weights import load_weights, read_weights, start_from
from engine.weights.notes import notes_without_weights
from lightning_modules import VGG, BagOfNgrams
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, tiny_char_rnn


@pytest.fixture
def saved() -> dict[str, torch.Tensor]:
    """Weights that are not those of `tiny_vgg`."""
    return {key: value + 1 for key, value in tiny_vgg().state_dict().items() if "_metrics." not in key}


def _write(kind: str, weights: dict[str, torch.Tensor], folder: Path) -> Path:
    path = folder / {"safetensors": "w.safetensors", "pth": "w.pth", "ckpt": "w.ckpt", "run": "run"}[kind]
    if kind == "safetensors":
        save_file(weights, path)
    elif kind == "pth":
        torch.save(weights, path)
    elif kind == "ckpt":
        torch.save({"state_dict": weights, "epoch": 3}, path)
    else:
        (path / "checkpoints").mkdir(parents=True)
        torch.save({"state_dict": weights}, path / "checkpoints" / "best.ckpt")
        torch.save({"state_dict": {"other": torch.ones(1)}}, path / "checkpoints" / "last.ckpt")
    return path


@pytest.mark.parametrize("kind", ["safetensors", "pth", "ckpt", "run"])
def test_every_kind_of_file_is_loaded_whole(kind: str, saved: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path, model = _write(kind, saved, tmp_path), tiny_vgg()
    lines = load_weights(model, read_weights(str(path)), str(path))
    assert lines == [f"weights  {len(saved)} of the model's {len(saved)} tensors loaded from {path}"]
    assert all(torch.equal(model.state_dict()[key], value) for key, value in saved.items())


def test_a_run_without_a_best_checkpoint_gives_its_last(saved: dict[str, torch.Tensor], tmp_path: Path) -> None:
    run = _write("run", saved, tmp_path)
    (run / "checkpoints" / "best.ckpt").unlink()
    assert list(read_weights(str(run))) == ["other"]


def test_the_checkpoint_of_a_run_is_named(saved: dict[str, torch.Tensor], tmp_path: Path) -> None:
    run = _write("run", saved, tmp_path)
    torch.save({"state_dict": saved, "epoch": 3}, run / "checkpoints" / "best.ckpt")
    (line,) = start_from(str(run), tiny_vgg(), TinyDataModule())
    assert line.endswith(f"tensors loaded from {run} (best.ckpt, of epoch 3)")


def test_a_head_of_as_many_other_classes_is_said_and_not_measured(
    saved: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path, own = tmp_path / "w.ckpt", [*TinyDataModule.class_names]
    for learned in (own, own[1:]):
        torch.save({"state_dict": saved, "OtherDataModule": {"class_names": learned}}, path)
        assert len(start_from(str(path), tiny_vgg(), TinyDataModule(), trains=False)) == 1
    torch.save({"state_dict": saved, "OtherDataModule": {"class_names": [*own[:3], own[4], own[3]]}}, path)
    told = "its head was trained with other classes than those of tiny pictures: class 3 was cross, and is triangle"
    model = tiny_vgg()
    assert start_from(str(path), model, TinyDataModule())[1:] == [f"note     {path}: {told}"]
    with pytest.raises(InputError) as caught:
        start_from(str(path), model, TinyDataModule(), trains=False)
    assert str(caught.value) == f"--weights {path}: {told}; fit the model from these weights first"


def test_a_checkpoint_outside_of_its_run_knows_its_symbols(tmp_path: Path) -> None:
    path, model, data = tmp_path / "w.ckpt", tiny_char_rnn(), TinyCorpus()
    content = data.vocabulary_content()
    for vocabulary in (to_bytes(content), torch.zeros(3, dtype=torch.uint8), torch.zeros(2)):
        torch.save({"state_dict": model.state_dict(), "TinyCorpus": {"vocabulary": vocabulary}}, path)
        assert len(start_from(str(path), model, data)) == 1
    other = content | {"symbols": [*content["symbols"]][::-1]}
    torch.save({"state_dict": model.state_dict(), "TinyCorpus": {"vocabulary": to_bytes(other)}}, path)
    with pytest.raises(InputError) as caught:
        start_from(str(path), model, data)
    assert str(caught.value).startswith(f"--weights {path}: was trained with other symbols than those of ")
    assert str(caught.value).endswith("; use its own: --data.vocabulary RUN")


def test_word_vectors_alone_are_no_trained_network(tmp_path: Path) -> None:
    path, data = tmp_path / "v.vec", TinyDocuments()
    path.write_bytes(as_text(data.symbols[2:4], torch.ones(2, 6)))
    model = BagOfNgrams(data.num_classes, data.vocab_size, embedding=6)
    said, note = start_from(str(path), model, data, trains=False)
    assert said == f"weights  2 of {data.vocab_size} words start from {path}"
    names = ", ".join(key for key, _ in model.named_parameters() if key != "embedding.weight")
    assert note == f"note     nothing has trained {names}: fit the model from these weights first"
    assert start_from(str(path), model, data) == [said]


def test_a_fixed_network_without_weights_is_said() -> None:
    class Fixed(LightningModule):
        def picture_encoder(self) -> torch.nn.Module:
            return torch.nn.Identity()

    note = "without --weights its network is fixed at random weights"
    assert notes_without_weights(Fixed(), None) == [f"note     Fixed: {note}"]
    assert notes_without_weights(tiny_vgg(), "pool") == [f"note     --features.until: {note}"]
    assert notes_without_weights(tiny_vgg(), None) == []


def test_a_part_that_is_fixed_with_random_weights_is_said(saved: dict[str, torch.Tensor]) -> None:
    def notes(model: LightningModule, until: str | None, trains: bool = True) -> list[str]:
        return [line for line in load_weights(model, saved, "w.pth", trains, until) if line.startswith("note ")]

    class Fixed(type(tiny_vgg())):
        def picture_encoder(self) -> torch.nn.Module:
            return self.stages[0]

    random = "its network is fixed, with random weights in stages.0.0.weight"
    steps = [*tiny_vgg().steps()]
    assert notes(tiny_vgg(in_channels=1), steps[-2]) == [f"note     --features.until: {random}"]
    assert notes(tiny_vgg(in_channels=1), None) == []
    assert notes(tiny_vgg(num_classes=7), steps[-2]) == []  # whose head alone is new
    settings = {"num_classes": 5, "image_size": 16, "widths": [8, 8], "convolutions": [1, 1], "in_channels": 1}
    assert notes(Fixed(**settings), None) == [f"note     Fixed: {random}"]
    (other,) = notes(tiny_vgg(in_channels=1), steps[-2], trains=False)
    assert "nothing has trained stages.0.0.weight" in other


def test_a_head_of_another_size_is_skipped_and_said(saved: dict[str, torch.Tensor]) -> None:
    model = tiny_vgg(num_classes=7)
    head = model.classifier[-1].weight.detach().clone()
    lines = load_weights(model, saved, "w.pth")
    assert lines[0] == f"weights  {len(saved) - 2} of the model's {len(saved)} tensors loaded from w.pth"
    assert "         skipped classifier.3.weight: [5, 128] there, [7, 128] in the model" in lines
    assert torch.equal(model.classifier[-1].weight, head)
    assert torch.equal(model.stages[0][0].weight, saved["stages.0.0.weight"])


@pytest.mark.parametrize("whiten_bias", [False, True])
def test_a_layer_of_which_a_part_fits_starts_from_the_new_data(whiten_bias: bool) -> None:
    colour, grey = (tiny_vgg(whiten=True, whiten_bias=whiten_bias, in_channels=channels) for channels in (3, 1))
    pictures = torch.randn(8, 3, 16, 16)
    colour.whitening[0].initialize_from(pictures)
    lines = load_weights(grey, colour.state_dict(), "w.pth")
    assert "         skipped whitening.0.weight: [24, 3, 2, 2] there, [8, 1, 2, 2] in the model" in lines
    assert "         skipped whitening.0.is_set: only part of whitening.0 fits, and data sets it" in lines
    assert torch.equal(grey.stages[1][0].weight, colour.stages[1][0].weight)
    grey.whitening[0].initialize_from(pictures[:, :1])
    assert grey.whitening[0].weight.any()


@pytest.mark.parametrize("others", [(), ("whitening.0.bias",)])
def test_a_layer_that_was_set_stays_as_it_was(others: tuple[str, ...]) -> None:
    first, second = (tiny_vgg(whiten=True, whiten_bias=True) for _ in range(2))
    first.whitening[0].initialize_from(torch.randn(8, 3, 16, 16))
    load_weights(second, {key: value for key, value in first.state_dict().items() if key not in others}, "w.pth")
    assert second.whitening[0].is_set
    assert torch.equal(second.whitening[0].weight, first.whitening[0].weight)


def test_names_that_only_one_side_has_are_said(saved: dict[str, torch.Tensor]) -> None:
    saved["extra"] = saved.pop("classifier.3.bias")
    lines = load_weights(tiny_vgg(), saved, "w.pth")
    assert "         skipped extra: the model has no such tensor" in lines
    assert "         kept new classifier.3.bias: not in w.pth" in lines


def test_a_model_that_is_not_trained_tells_what_nothing_has_trained(saved: dict[str, torch.Tensor]) -> None:
    lines = load_weights(tiny_vgg(num_classes=7), saved, "w.pth", trains=False)
    names = "classifier.3.weight, classifier.3.bias"
    assert lines[-1] == f"note     nothing has trained {names}: fit the model from these weights first"
    assert not any("nothing has trained" in line for line in load_weights(tiny_vgg(num_classes=7), saved, "w.pth"))
    assert len(load_weights(tiny_vgg(), saved, "w.pth", trains=False)) == 1


def test_running_metrics_are_not_taken_over(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    model = tiny_vgg()
    lines = load_weights(model, read_weights(str(trainer.run_folder.path)), "run")
    assert len(lines) == 1
    assert model.train_metrics.count == 0


def test_weights_that_fit_nowhere_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"nothing in it fits this model \(it has conv1, the model stages.0.0.weight\)"
    ):
        load_weights(tiny_vgg(), {"conv1": torch.ones(3)}, "w.pth")


@pytest.mark.parametrize(
    ("fitting", "reason"),
    [
        (("stages.0.1.weight",), "no layer fits in name and shape"),
        (("stages.0.0.weight",), "only 1 of this model's 3 layers fit in name and shape"),
    ],
)
@pytest.mark.parametrize("place", [".", "checkpoints/best.ckpt"])
def test_weights_of_a_run_of_another_architecture_are_named_by_both(
    place: str, fitting: tuple[str, ...], reason: str, saved: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    run = _write("run", saved, tmp_path)
    (run / "config.yaml").write_text("model: {class_path: lightning_modules.MLP}")
    with pytest.raises(InputError) as refused:
        load_weights(tiny_vgg(), {name: saved[name] for name in fitting}, str(run / place))
    assert str(refused.value) == (
        f"--weights {run / place}: these are weights of another architecture, MLP (this model is VGG): {reason}"
    )
    (run / "config.yaml").write_text("model: {class_path: lightning_modules.VGG}")
    with pytest.raises(InputError, match=r"nothing in it fits this model|or of this one in other sizes"):
        load_weights(tiny_vgg(), {name: saved[name] for name in fitting}, str(run / place))


def test_names_that_both_sides_have_are_no_example_of_what_differs(saved: dict[str, torch.Tensor]) -> None:
    both = {name: saved[name] for name in ("stages.0.1.weight", "stages.0.1.bias")}
    with pytest.raises(InputError, match=r"\(it has theirs.weight, the model stages.0.0.weight\)"):
        load_weights(tiny_vgg(), both | {"theirs.weight": torch.ones(3, 3)}, "w.pth")


def test_weights_of_which_less_than_half_fits_are_another_networks(saved: dict[str, torch.Tensor]) -> None:
    before = {key: value.clone() for key, value in tiny_vgg().state_dict().items()}
    norm = {key: value for key, value in saved.items() if key.startswith("stages.0.1.")}
    model = tiny_vgg()
    with pytest.raises(InputError, match=r"nothing in it fits this model \(it has stages.0.1.weight"):
        load_weights(model, norm, "w.pth")
    one = norm | {"stages.0.0.weight": saved["stages.0.0.weight"]}
    with pytest.raises(InputError, match=r"only 1 of this model's 3 layers fit: it is of another network"):
        load_weights(model, one, "w.pth")
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    load_weights(model, one | {"stages.1.0.weight": saved["stages.1.0.weight"]}, "w.pth")
    assert torch.equal(model.stages[1][0].weight, saved["stages.1.0.weight"])


def test_a_file_without_the_norms_counters_is_whole(saved: dict[str, torch.Tensor]) -> None:
    old = {key: value for key, value in saved.items() if not key.endswith("num_batches_tracked")}
    assert len(load_weights(tiny_vgg(), old, "w.pth")) == 1


def test_the_naming_that_fits_more_is_taken(saved: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {f"theirs.{key}": value for key, value in saved.items()}

    def from_torchvision(_: VGG, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {key.removeprefix("theirs.") if "theirs." in key else f"no.{key}": weights[key] for key in weights}

    monkeypatch.setattr(VGG, "from_torchvision", from_torchvision)
    for weights in (theirs, saved):
        model = tiny_vgg()
        assert len(load_weights(model, weights, "w.pth")) == 1
        assert torch.equal(model.stages[0][0].weight, saved["stages.0.0.weight"])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nowhere.pth", None, "no such file or run folder"),
        ("broken.safetensors", b"nothing", "no safetensors file"),
        ("broken.pth", b"nothing", "no checkpoint"),
    ],
)
def test_a_file_without_weights_is_named(name: str, content: bytes | None, reason: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_weights(name)
    assert name in str(caught.value)


def test_a_file_without_tensors_and_a_folder_without_checkpoints_are_named(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_weights("w.pth")
    with pytest.raises(InputError, match="no such file or run folder"):
        read_weights(str(tmp_path))


def test_a_folder_of_runs_is_answered_with_its_newest(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "unfinished")):
        checkpoints = tmp_path / "runs" / name / "checkpoints"
        checkpoints.mkdir(parents=True)
        (checkpoints.parent / "config.yaml").touch()
        if name != "unfinished":
            (checkpoints / "best.ckpt").touch()
            os.utime(checkpoints / "best.ckpt", (1000 - age, 1000 - age))
    with pytest.raises(InputError, match=r"^--weights runs: a folder of runs; .* newest is runs/new$"):
        read_weights("runs")


@pytest.mark.parametrize(
    "content",
    [
        {0: torch.ones(3)},
        {"state_dict": None},
        {"state_dict": [torch.ones(3)]},
        {"sparse": torch.eye(3).to_sparse()},
        {"complex": torch.ones(3, dtype=torch.complex64)},
        {"without numbers": torch.ones(3, device="meta")},
    ],
    ids=["number", "nothing", "list", "sparse", "complex", "meta"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of how it checks sparse tensors
def test_what_no_network_can_be_set_to_is_left_out(content: dict, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_weights("w.pth")
    if "state_dict" not in content:
        torch.save(content | {"plain": torch.ones(3)}, tmp_path / "w.pth")
        assert list(read_weights("w.pth")) == ["plain"]


def test_complex_tensors_of_safetensors_are_left_out_too(tmp_path: Path) -> None:
    save_file({"complex": torch.ones(3, dtype=torch.complex64)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_weights("w.safetensors")


def test_a_bias_that_does_not_fit_its_norm_stays_where_it_is() -> None:
    shapes = {"0.weight": (8, 3, 3, 3), "0.bias": (8,), "1.weight": (4,), "1.running_mean": (4,)}
    shapes |= {"4.weight": (8, 8, 3, 3), "5.weight": (8,)}
    theirs = {f"features.{name}": torch.ones(shape) for name, shape in shapes.items()}
    assert tiny_vgg().from_torchvision(theirs)["stages.0.0.bias"].shape == (8,)


def test_the_command_starts_from_weights(
    config: Path, saved: dict[str, torch.Tensor], tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = _write("pth", saved, tmp_path)
    still = ("--trainer.max_epochs", 1, "--model.optimizer.lr", 0.0, "--run_dir", "run")
    code, output, errors = command("fit", "--config", config, "--weights", path, *still)
    assert code == 0, errors
    assert f"weights  {len(saved)} of the model's" in output
    assert torch.equal(read_weights("run")["classifier.3.weight"], saved["classifier.3.weight"])


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Stands for the network: gives `served.pth`, and returns which address and hash were asked for."""
    asked = []
    monkeypatch.setattr("core.files.published_weights.announced_size", lambda url: 0)

    def download(url: str, target: str, hash_prefix: str | None, progress: bool) -> None:
        assert socket.getdefaulttimeout() == STALL_TIMEOUT
        asked.append((url, hash_prefix))
        shutil.copy(tmp_path / "served.pth", target)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    return asked


def test_torchvisions_weights_are_downloaded_once_and_checked(
    downloads: list[tuple[str, str]],
    saved: dict[str, torch.Tensor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.save(saved, tmp_path / "served.pth")
    for _ in range(2):
        assert read_weights("torchvision:vgg16_bn:IMAGENET1K_V1").keys() == saved.keys()
        monkeypatch.setattr("core.files.published_weights.announced_size", lambda _: pytest.fail("asked again"))
    assert downloads == [("https://download.pytorch.org/models/vgg16_bn-6c64b313.pth", "6c64b313")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("torchvision:vgg16bn:DEFAULT", "no network 'vgg16bn'; did you mean vgg16_bn or "),
        ("torchvision:", "no network ''; did you mean "),
        ("torchvision:resnet50", "has torchvision:resnet50:IMAGENET1K_V1 or torchvision:resnet50:IMAGENET1K_V2$"),
        ("torchvision:vgg11:V1", "no such weights; it has torchvision:vgg11:IMAGENET1K_V1$"),
        ("torchvision:vgg11:IMAGENET1K_V1:x", "no such weights; it has torchvision:vgg11:IMAGENET1K_V1$"),
    ],
)
def test_names_that_torchvision_does_not_have_get_the_nearest(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"--weights {name}: torchvision has .*{reason}"):
        read_weights(name)
