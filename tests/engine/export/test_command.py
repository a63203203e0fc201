"""The command `export`: a run becomes a file that computes the same, or nothing is written."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

from core.errors import RunFailed
from core.protocols.export_forms import ExportForm, Slot
from engine.export import command as export
from engine.export import parity
from engine.export.formats import FORMATS
from lightning_modules import VGG
from tests.tiny import TinyDataModule

Command = Callable[..., tuple[int, str, str]]

TEXTS = """\
model:
  class_path: lightning_modules.TextRNN
  init_args: {embedding: 4, hidden: 4}
data:
  class_path: tests.tiny_text.TinyDocuments
trainer: {accelerator: cpu, devices: 1, max_epochs: 1, logger: false}
"""


def test_a_run_becomes_onnx_that_takes_pixels(finished_run: Callable[..., Path], command: Command) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    run = finished_run()
    code, output, errors = command("export", "--ckpt_path", run, "--output", "tiny.onnx")
    assert code == 0, errors
    assert "weights  best.ckpt, of epoch" in output
    assert "takes    images [batch, 16, 16, 3]: uint8" in output
    assert "parity   onnxruntime agrees on batches of 1, 3 and 8" in output
    session = onnxruntime.InferenceSession("tiny.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["class_names"]) == list(TinyDataModule.class_names)
    assert facts["network"] == "VGG"
    pixels = torch.randint(0, 256, (5, 16, 16, 3), dtype=torch.uint8)
    logits, probabilities = session.run(None, {"images": pixels.numpy()})
    network = VGG.load_from_checkpoint(run / "checkpoints" / "best.ckpt").eval()
    with torch.no_grad():
        expected = network(((pixels / 255 - 0.5) / 0.25).permute(0, 3, 1, 2))
    torch.testing.assert_close(torch.from_numpy(logits), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.from_numpy(probabilities), expected.softmax(1), rtol=1e-4, atol=1e-4)


def test_views_of_each_image_are_within(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run()
    results = []
    pixels = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    for options in ([], ["--views.flip", "true"]):
        code, _, errors = command("export", "--ckpt_path", run, "--output", "tiny.pt", *options)
        assert code == 0, errors
        run_file = FORMATS["torchscript"].read(Path("tiny.pt").read_bytes())
        results.append([run_file((way,))[0] for way in (pixels, pixels.flip(2))])
    (plain, mirrored), (both, same) = results
    torch.testing.assert_close(both, (plain + mirrored) / 2)
    torch.testing.assert_close(both, same)


def test_a_text_classifier_has_its_vocabulary(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run(text=TEXTS)
    code, output, errors = command("export", "--ckpt_path", run, "--output", "texts.pt")
    assert code == 0, errors
    assert "takes    tokens [batch, length]" in output
    with zipfile.ZipFile("texts.pt") as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("extra/facts.json"))
        facts = json.loads(archive.read(name))
    assert facts["vocabulary"] == json.loads((run / "vocabulary.json").read_text())
    assert len(facts["class_names"]) == 4


def test_weights_alone_go_back_into_a_run(finished_run: Callable[..., Path], command: Command, config: Path) -> None:
    run = finished_run()
    code, _, errors = command("export", "--ckpt_path", run, "--output", "tiny.safetensors")
    assert code == 0, errors
    kept = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    with safe_open("tiny.safetensors", "pt") as file:
        assert file.metadata()["network"] == "VGG"
        assert file.metadata()["data"] == "SYNTHETIC pictures in place of tiny pictures"
        for name in file.keys():  # noqa: SIM118 (no mapping)
            assert torch.equal(file.get_tensor(name), kept[name])
    words = ("predict", "--config", config, "--weights", "tiny.safetensors", "--output", "predicted.csv")
    code, output, errors = command(*words)
    assert code == 0, errors
    assert "loaded from tiny.safetensors" in output


def test_a_number_that_is_not_yet_measured_is_written() -> None:
    model = torch.nn.Linear(2, 1)
    model.register_buffer("measured", torch.tensor([torch.nan, 1.0]))
    trained = SimpleNamespace(model=model, measured="untrained", data_name="pictures", run_name=None)
    content, _ = export._weights(trained)
    assert torch.equal(load(content)["measured"].isnan(), torch.tensor([True, False]))


def test_weights_that_are_read_back_as_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safetensors.torch.load", lambda content: {n: one + 1 for n, one in load(content).items()})
    trained = SimpleNamespace(model=torch.nn.Linear(2, 1), measured="", data_name="", run_name=None)
    with pytest.raises(RunFailed, match="export: the file has other numbers in "):
        export._weights(trained)


def test_a_file_that_computes_something_else_is_refused(
    finished_run: Callable[..., Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, right = finished_run(), FORMATS["torchscript"].read
    Path("tiny.pt").write_text("an earlier file")

    def wrong(content: bytes) -> Callable:
        return lambda inputs: tuple(output * 1.01 for output in right(content)(inputs))

    monkeypatch.setattr(FORMATS["torchscript"], "read", wrong)
    code, _, errors = command("export", "--ckpt_path", run, "--output", "tiny.pt")
    assert code == 1
    assert "error: export: TorchScript gives other logits on a batch of 1, by" in errors
    assert errors.count("\n") == 1
    assert Path("tiny.pt").read_text() == "an earlier file"


def test_a_file_with_another_number_of_outputs_is_told() -> None:
    class Two(torch.nn.Module):
        def forward(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return numbers, 2 * numbers

    slots = tuple(Slot(name, ("batch", 2), "numbers") for name in ("one", "two"))
    form = ExportForm("noise", Two(), slots[:1], slots, lambda n, rng: (torch.rand(n, 2, generator=rng),))
    assert not [one.reason for one in parity.differences(form, lambda inputs: form.network(*inputs)) if one.reason]
    for count, words in ((1, "gives 1 output, where"), (3, "gives 3 outputs, where")):
        (told,) = parity.differences(form, lambda inputs, count=count: (*inputs,) * count)
        assert told.reason == f"{words} the network gives 2"


def test_an_output_of_another_shape_is_told() -> None:
    ours = torch.zeros(3, 2)
    assert (
        "gives x as float32 [2, 2], where the network gives float32 [3, 2]"
        in parity._compare("x", 3, ours, ours[:2]).reason
    )
    assert parity._compare("x", 3, ours, ours + 2e-4).reason
    assert not parity._compare("x", 3, ours, ours + 5e-5).reason
    assert parity._compare("x", 3, ours, ours * torch.nan).reason
    pixels = torch.tensor([3], dtype=torch.uint8)
    assert not parity._compare("x", 1, pixels, pixels + 1).reason
    assert parity._compare("x", 1, pixels, pixels + 2).reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--output"),
        (("--output", "x.onnx"), "export needs --ckpt_path, a run folder or a checkpoint"),
        (("--output", "x.onnx", "--ckpt_path", "nowhere"), "--ckpt_path nowhere: no such run folder"),
        (("--output", "x.h5", "--ckpt_path", "run"), "--output x.h5: end it in .onnx, .pt2, .pt, .safetensors"),
        (("--output", "no/x.onnx", "--ckpt_path", "run"), "--output no/x.onnx: cannot be written (no folder no)"),
        (("--output", "run", "--ckpt_path", "run"), "--output run: a folder"),
        (
            ("--output", "x.onnx", "--ckpt_path", "run", "--format", "torchscript"),
            "--format torchscript: x.onnx is named as a file of onnx; end it in .pt",
        ),
        (("--output", "x.pt", "--config", "vgg_bn.yaml"), "export needs --ckpt_path, a run folder or a checkpoint; or"),
        (("--output", "x.pt", "--ckpt_path", "run", "--input", "a.png"), "--input: is for predict, and export has no"),
        (("run", "--output", "x.pt"), "run: belongs to no option; did you mean --ckpt_path run?"),
        (("--output", "x.pt", "--ckpt_path", "run", "--model.wdth", "3"), "model.wdth"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    options: tuple[str, ...], message: str, finished_run: Callable[..., Path], command: Command
) -> None:
    finished_run("run")
    code, _, errors = command("export", *options)
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1, errors
    assert not list(Path().glob("x.*"))


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_the_weights_that_are_read_are_not_replaced(
    name: str, finished_run: Callable[..., Path], command: Command, config: Path
) -> None:
    """They were gone, and with them what the optimizer had kept."""
    shutil.copy(finished_run() / "checkpoints" / "best.ckpt", "net.pt")
    if name == "net.safetensors":
        assert command("export", "--config", config, "--weights", "net.pt", "--output", name)[0] == 0
    alias = f"alias{Path(name).suffix}"
    Path(alias).symlink_to(name)
    content = Path(name).read_bytes()
    for weights in (name, alias):
        code, _, errors = command("export", "--config", config, "--weights", weights, "--output", name)
        assert (code, errors) == (
            2,
            f"error: --output {name}: is what the weights are read from, and is not replaced; choose another name\n",
        )
    assert Path(name).read_bytes() == content


@pytest.mark.usefixtures("few_samples")
def test_a_network_without_such_a_form_is_refused(finished_run: Callable[..., Path], command: Command) -> None:
    text = """\
model:
  class_path: lightning_modules.WordVectors
  init_args: {width: 4}
data:
  class_path: datamodules.WordCorpusDataModule
  init_args: {source: synthetic, batch_size: 50}
trainer: {accelerator: cpu, devices: 1, max_steps: 2, logger: false}
"""
    run = finished_run(text=text)
    code, _, errors = command("export", "--ckpt_path", run, "--output", "words.pt")
    assert code == 2
    assert "export: WordVectors has no form that other programs run; --format safetensors writes its weights" in errors
    assert command("export", "--ckpt_path", run, "--output", "words.safetensors")[0] == 0
