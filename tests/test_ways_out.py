"""A run says the same of an input by `predict`, by `serve` and by an exported file, however odd the input is."""

import asyncio
import base64
import contextlib
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import cli
import engine.cli.command
from core.errors import InputError
from core.terminal.printable import cell
from engine.export.formats import FORMATS
from engine.restored_model import RestoredModel
from engine.serving.services import Service, Wish, service_of
from tests.exports import FORMAT
from tests.tiny import TINY_CONFIG
from tests.tiny_text import CHARACTERS, DOCUMENTS

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
httpx = pytest.importorskip("httpx", reason="the extra `test` is not installed")

from engine.serving.app import Application  # noqa: E402 (if it is installed)

REFUSED = "refused"
ROUNDED = 1e-4  # of probabilities in a table of predictions
Command = Callable[..., tuple[int, str, str]]
Answers = Mapping[str, Any]  # by input: class and probability, or a text, or that it is refused


def noise(mode: str, width: int, height: int) -> Image.Image:
    """Returns a picture of noise."""
    bands, rng = len(Image.new(mode, (1, 1)).getbands()), np.random.default_rng(0)
    pixels = rng.integers(256, size=(height, width, bands), dtype=np.uint8)
    return Image.fromarray(pixels if bands > 1 else pixels[..., 0], mode)


def saved(picture: Image.Image, form: str, **settings: Any) -> bytes:
    """Returns the content of a picture file."""
    file = io.BytesIO()
    picture.save(file, form, **settings)
    return file.getvalue()


def pictures() -> dict[str, bytes]:
    """Returns odd pictures, and files that hold none."""
    turned = Image.Exif()
    turned[0x0112] = 6
    frames = {"save_all": True, "append_images": [noise("RGB", 20, 20).rotate(90)]}
    deep = np.random.default_rng(0).integers(2**16, size=(20, 20), dtype=np.uint16)
    jpeg = saved(noise("RGB", 40, 30), "JPEG")
    return {
        "one pixel.png": saved(noise("RGB", 1, 1), "PNG"),
        "one row.png": saved(noise("RGB", 300, 1), "PNG"),
        "very tall.png": saved(noise("RGB", 2, 5000), "PNG"),
        "grey.png": saved(noise("L", 20, 30), "PNG"),
        "two colours.png": saved(noise("L", 20, 30).convert("1"), "PNG"),
        "grey with alpha.png": saved(noise("LA", 20, 30), "PNG"),
        "half transparent.png": saved(noise("RGBA", 20, 30), "PNG"),
        "palette.png": saved(noise("RGB", 20, 30).quantize(16), "PNG", transparency=3),
        "grey with a clear value.png": saved(noise("L", 20, 30), "PNG", transparency=100),
        "16 bits.png": saved(Image.fromarray(deep), "PNG"),
        "16 bits.tif": saved(Image.fromarray(deep), "TIFF"),
        "cmyk.jpg": saved(noise("CMYK", 40, 30), "JPEG"),
        "turned.jpg": saved(noise("RGB", 40, 30), "JPEG", exif=turned),
        "large.jpg": saved(noise("RGB", 700, 500), "JPEG"),
        "two pictures.jpg": saved(noise("RGB", 40, 30), "MPO", save_all=True, append_images=[noise("RGB", 9, 9)]),
        "animated.gif": saved(noise("RGB", 20, 20), "GIF", **frames),
        "animated.webp": saved(noise("RGBA", 20, 20), "WEBP", lossless=True, **frames),
        "bitmap.bmp": saved(noise("RGB", 20, 30), "BMP"),
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "text.png": b"no picture",
        "empty.png": b"",
    }


TEXTS = {
    "usual": "some words of the river",
    "empty": "",
    "blank": " \t ",
    "unknown words": "xyzzy plugh",
    "very long": "river mountain " * 3000,
    "emoji": "\N{WINKING FACE} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET} river",
    "combining": "cafe\N{COMBINING ACUTE ACCENT} caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "NUL": "river\0mountain",
    "control": "river\x07\x1b[31m mountain\x7f",
    "line ends": "river\r\nmountain\r\n\r\nteam",
    "other line ends": "river\x0bmountain\x0c\x85team\u2028river",
    "full width": "\N{FULLWIDTH LATIN SMALL LETTER R}\N{IDEOGRAPHIC SPACE}\N{FULLWIDTH DIGIT ONE}",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}river \N{HEBREW LETTER ALEF}",
    "half a character": "river \ud83d",
    "markup": "river<br />mountain &amp; <b>team</b>",
}
BEGINNINGS = {
    "usual": "the ",
    "empty": "",
    "blank": "  ",
    "long": "the river " * 300,
    "unknown": "the \N{LATIN SMALL LETTER E WITH ACUTE}",
    "NUL": "the\0",
    "line ends": "the\r\n",
    "full width": "\N{FULLWIDTH LATIN SMALL LETTER T}",
    "half a character": "the \ud83d",
}


ALONE = ("empty", "blank", "half a character")  # texts for whose sake `predict` may refuse all it is given


def of_predict(run: Path, given: Mapping[str, str], folder: Path, *options: object) -> Answers:
    """Returns what `predict` says of files or texts."""
    together = [name for name in given if name not in ALONE]
    answers: dict[str, Any] = dict.fromkeys(given, REFUSED)
    for names in (together, *([name] for name in given if name in ALONE)):
        inputs = {cell(given[name]): name for name in names}
        for row in _table(run, [given[name] for name in names], folder / "predictions.csv", options):
            answers[inputs[row[0]]] = row[1] if len(row) == 2 else (row[1], float(row[2]))
    return answers


def _table(run: Path, given: Sequence[str], file: Path, options: Sequence[object]) -> list[list[str]]:
    """Returns the rows that `predict` writes."""
    file.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as said:
        patch.setattr("sys.argv", ["cli.py"])
        words = ["predict", "--ckpt_path", run, "--output", file, *options, "--input", *given]
        code = cli.main([str(word) for word in words])
    assert code == 0 or (code == 2 and said.getvalue().count("\n") == 1), said.getvalue()
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as rows:
        return list(csv.reader(rows))[1:]


def of_serve(service: Service, requests: Mapping[str, dict[str, Any]]) -> Answers:
    """Returns what the endpoint says, asked together."""
    app = Application(service, "a page", {})

    async def send() -> list[Any]:
        transport = httpx.ASGITransport(app.starlette, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            sent = (client.post("/api/predict", **request) for request in requests.values())
            return await asyncio.gather(*sent)

    answers = asyncio.run(send())
    app.close()
    return {name: _said(answer) for name, answer in zip(requests, answers, strict=True)}


def _said(answer: Any) -> Any:
    content = answer.json()
    if answer.status_code != 200:
        assert 400 <= answer.status_code < 500, content
        assert "\n" not in content["error"]
        return REFUSED
    if "text" in content:
        return content["prime"] + content["text"]
    (prediction,) = content["predictions"]
    return prediction["class"], prediction["probability"]


def of_file(service: Service, given: Mapping[str, Any]) -> Answers:
    """Returns what an exported file computes of each input, which its user has read as the data module reads it."""
    run = FORMATS[FORMAT].read(FORMATS[FORMAT].make(service.form, {}))
    answers: dict[str, Any] = {}
    for name, one in given.items():
        with contextlib.suppress(InputError):
            answers[name] = REFUSED
            answers[name] = (_written if service.kind == "symbols" else _classified)(service, run, one)
    return answers


def _classified(service: Service, run: Callable[..., tuple[torch.Tensor, ...]], one: Any) -> tuple[str, float]:
    sample = service.read(one)[None]
    lengths = () if service.kind == "pictures" else (torch.tensor([sample.shape[1]]),)
    probability, place = run((sample, *lengths))[1][0].max(0)
    return service.class_names[int(place)], float(probability)


def _written(service: Service, run: Callable[..., tuple[torch.Tensor, ...]], beginning: str) -> str:
    wish = Wish(beginning, service.length, 0, {})
    (symbols,), *state = service.begin(wish).step
    written: list[int] = []
    for symbol in symbols.tolist():
        logits, *state = run((torch.tensor([[symbol]]), *state))
    while len(written) < service.length:
        written.append(int(logits.argmax()))
        logits, *state = run((torch.tensor([[written[-1]]]), *state))
    return beginning + service.data.decode(torch.tensor(written))


@pytest.fixture(scope="module")
def answers(trained_once: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What three runs say of odd inputs, by kind of model and by way.

    They are trained in bfloat16, and that of pictures on kept features, which are rounded to 16 bits.
    """
    folder, found = tmp_path_factory.mktemp("odd"), {}
    files = pictures()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    kept, greedy = ("--features.until", "stages.1", "--features.views", "2"), ("--model.temperature", "0")
    for kind, config, given, training, options in (
        ("pictures", TINY_CONFIG, files, kept, ()),
        ("documents", DOCUMENTS, TEXTS, (), ()),
        ("symbols", CHARACTERS, BEGINNINGS, (), greedy),
    ):
        run = trained_once(config, "tiny.yaml", "--trainer.precision", "bf16-mixed", *training)
        trained = RestoredModel("serve", str(run), [*options])
        service = service_of(trained.model, trained.datamodule)
        assert service.kind == kind
        named = {name: str(folder / name) for name in files} if kind == "pictures" else given
        key = {"pictures": "pictures", "documents": "texts", "symbols": "prime"}[kind]
        requests = {}
        for name, one in given.items():
            sent = base64.b64encode(one).decode() if isinstance(one, bytes) else one
            requests[name] = {"content": json.dumps({key: sent}), "headers": {"content-type": "application/json"}}
        found[kind] = {
            "predict": of_predict(run, named, folder, *options),
            "serve": of_serve(service, requests),
            "file": of_file(service, given),
        }
    return found


REFUSED_BY_ALL = {
    "pictures": {"cut.jpg", "text.png", "empty.png"},
    "documents": {"empty", "blank", "half a character"},
    "symbols": {"unknown", "NUL", "line ends", "full width", "half a character"},
}
KINDS = {"pictures": pictures(), "documents": TEXTS, "symbols": BEGINNINGS}


@pytest.mark.parametrize("way", ["predict", "serve", "file"])
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, given in KINDS.items() for name in given])
def test_an_odd_input_gets_the_same_answer_by_every_way(
    kind: str, name: str, way: str, answers: dict[str, dict[str, Answers]]
) -> None:
    found, expected = answers[kind][way][name], answers[kind]["serve"][name]
    assert (found == REFUSED) == (name in REFUSED_BY_ALL[kind])
    if kind == "symbols" or found == REFUSED:
        assert found == expected
        return
    assert found[0] == expected[0]
    assert found[1] == pytest.approx(expected[1], abs=ROUNDED)


def test_a_seed_has_the_same_text_by_predict_and_by_serve(trained_once: Callable[..., Path], tmp_path: Path) -> None:
    run = trained_once(CHARACTERS, "tiny.yaml")
    trained = RestoredModel("serve", str(run), [])
    wish = {"usual": {"json": {"prime": "the ", "seed": 3}}}
    expected = of_serve(service_of(trained.model, trained.datamodule), wish)
    assert of_predict(run, {"usual": "the "}, tmp_path, "--seed_everything", 3) == expected


@pytest.mark.parametrize(
    ("words", "precision"),
    [
        (("predict",), "32-true"),
        (("inspect", "--output", "page"), "32-true"),
        (("predict", "--trainer.max_epochs", 2, "--trainer", "{precision: bf16-mixed}"), "bf16-mixed"),
        (("predict", "--trainer.precision=64-true"), "64-true"),
        (("predict", "--trainer.plugins", "[pytorch_lightning.plugins.HalfPrecision]"), "16-true"),
        (("validate",), "64-true"),
        (("test",), "64-true"),
    ],
)
@pytest.mark.parametrize("setting", ["precision: 64-true", "plugins: [pytorch_lightning.plugins.DoublePrecision]"])
def test_a_config_says_how_to_train_and_a_flag_how_to_predict(
    setting: str, words: tuple, precision: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(built: engine.cli.command.Command) -> None:
        raise InputError(built.trainer.precision)

    monkeypatch.setattr(engine.cli.command.Command, "_start_from_weights", tell)
    config = tmp_path / "mine.yaml"
    config.write_text(TINY_CONFIG.replace("precision: 32-true", setting))
    code, _, errors = command(words[0], "--config", config, "--weights", "w.pth", *words[1:])
    assert (code, errors) == (2, f"error: {precision}\n")
