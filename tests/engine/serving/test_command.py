"""The command `serve`: a page in a real browser, and what is refused before anything is served."""

import html
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")

from core.errors import InputError
from core.pages.page import render
from datamodules import XORDataModule
from engine.serving.app import Application
from engine.serving.command import _listen
from engine.serving.page import PLACE, make_page
from engine.serving.server import Server
from engine.serving.services import Wish, service_of
from lightning_modules import MLP, BagOfNgrams
from tests.browser import open_page
from tests.served import served
from tests.tiny import SizedDataModule, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, tiny_char_rnn

Command = Callable[..., tuple[int, str, str]]

# What a user does with the page, as a script that runs behind the page's own.
DROPS = """
(async () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 40;
  canvas.getContext("2d").fillRect(5, 5, 20, 20);
  const file = new File([await new Promise((done) => canvas.toBlob(done))], "<b>square</b>.png", { type: "image/png" });
  const carried = new DataTransfer();
  carried.items.add(file);
  carried.items.add(new File(["no picture"], "text.png", { type: "image/png" }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: carried }));
})();
"""

DRAWS = """
(async () => {
  const canvas = document.getElementById("canvas"), answers = document.getElementById("answers"), send = window.fetch;
  canvas.setPointerCapture = () => {}; // which a pointer that is made by a script has not
  const stroke = async () => {
    for (const type of ["pointerdown", "pointerup"]) canvas.dispatchEvent(new PointerEvent(type));
    await new Promise((done) => setTimeout(done, 300));
  };
  const answered = async (count) => { while (document.querySelectorAll(".bars").length < count) await send("/api"); };
  let asked = 0, goOn;
  const bothAsked = new Promise((done) => { goOn = done; });
  window.fetch = async (...words) => { if (++asked === 2) goOn(); await bothAsked; return send(...words); };
  await stroke();
  await stroke();
  await answered(1);
  document.body.dataset.drawn = answers.children.length;
  const content = await new Promise((done) => canvas.toBlob(done)), carried = new DataTransfer();
  for (let n = 0; n < 60; n += 1) carried.items.add(new File([content], `${n}.png`, { type: "image/png" }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: carried }));
  await answered(60);
  await stroke();
  await answered(60);
  document.body.dataset.last = `${answers.children.length} ${answers.firstElementChild.textContent.slice(0, 5)}`;
})();
"""

TYPES = """
const text = document.getElementById("text");
for (const typed of ["some", "some <i>words</i>"]) {
  text.value = typed;
  text.dispatchEvent(new Event("input"));
}
"""
WRITES = """
const seen = [], at = (id) => document.getElementById(id);
new MutationObserver(() => {
  seen.push(at("written").textContent.length);
  document.body.dataset.seen = seen.join(" ");
  if (seen.at(-1) >= STOP) at("stop").click();
}).observe(at("written"), { childList: true, subtree: true });
at("prime").value = "the ";
at("length").value = 60;
at("temperature").value = 0.5;
at("temperature").dispatchEvent(new Event("input"));
at("write").click();
(async () => { do await fetch("/api"); while (at("write").disabled); })(); // the page's clock waits for answers
"""


def tried(service: object, script: str, tmp_path: Path) -> str:
    """Opens the page of a network in a browser, does something with it, and returns what is on it then."""
    about = {"network": "Net", "data": "tiny data", "weights": "best.ckpt", "run": None, "kind": service.kind}
    about |= service.about()
    driver = tmp_path / "driver.js"
    driver.write_text(script)
    scripts = [PLACE / "page.js", driver]
    page = render(PLACE / "page.html", "A page", scripts=scripts, sends=True, about=about, command="curl")
    with served(Application(service, page, about)) as address:
        opened = open_page(address, tmp_path)
    assert not opened.messages
    return opened.dom


def test_dropped_pictures_get_classes_on_the_page(tmp_path: Path) -> None:
    dom = tried(service_of(tiny_vgg().eval(), SizedDataModule()), DROPS, tmp_path)
    assert dom.count('class="answer"') == 2
    assert dom.count('class="track"') == 5, "a bar for each class"
    assert "no picture that can be read" in dom
    assert "&lt;b&gt;square&lt;/b&gt;.png" in dom


def test_a_drawing_has_one_answer_which_comes_back_after_others(tmp_path: Path) -> None:
    service = service_of(tiny_vgg(in_channels=1).eval(), SizedDataModule(in_channels=1))
    dom = tried(service, DRAWS, tmp_path)
    assert 'data-drawn="1"' in dom, "of two strokes, of which the second is sent before the first is answered"
    assert 'data-last="60 drawn"' in dom, "after pictures that have pushed the drawing out"


def test_a_typed_text_gets_classes_on_the_page(tmp_path: Path) -> None:
    data = TinyDocuments()
    service = service_of(BagOfNgrams(4, data.vocab_size, embedding=4).eval(), data)
    dom = tried(service, TYPES, tmp_path)
    assert dom.count('class="answer"') == 1, "the answer to what was typed last"
    assert dom.count('class="track"') == 4, "a bar for each class"
    assert sum(float(share) for share in re.findall(r'class="number[^>]*>([\d.]+) %', dom)) == pytest.approx(
        100, abs=0.3
    )


def test_a_network_is_watched_while_it_writes(tmp_path: Path) -> None:
    service = service_of(tiny_char_rnn(length=30).eval(), TinyCorpus())
    text = service.begin(Wish("the ", 60, 0, {"temperature": 0.5}))
    symbols = [text.take(service.compute([text.step])[0]) for _ in range(60)]
    dom = tried(service, WRITES.replace("STOP", "1e9"), tmp_path)
    (shown,) = re.findall(r'<pre[^>]*id="written"[^>]*>(.*?)</pre>', dom, re.DOTALL)
    assert html.unescape(re.sub("<[^>]*>", "", shown)) == "the " + "".join(map(service.data.decode, symbols))
    (seen,) = re.findall(r'data-seen="([\d ]*)"', dom)
    lengths = [int(length) for length in seen.split()]
    assert lengths == sorted(lengths)
    assert len({*lengths}) > 3, "letter by letter"
    assert ">0.50</output>" in dom


def test_a_network_that_writes_is_stopped(tmp_path: Path) -> None:
    service = service_of(tiny_char_rnn(length=30).eval(), TinyCorpus())
    dom = tried(service, WRITES.replace("STOP", "10").replace("= 60", "= 9000"), tmp_path)
    (shown,) = re.findall(r'<pre[^>]*id="written"[^>]*>(.*?)</pre>', dom, re.DOTALL)
    assert 10 <= len(html.unescape(re.sub("<[^>]*>", "", shown))) < 9000
    assert 'id="stop" disabled' in dom
    assert 'id="write" disabled' not in dom


def test_a_field_to_draw_in_is_there_for_grey_pictures_alone() -> None:
    about = {"network": "Net", "data": "tiny", "weights": "w", "run": None, "kind": "pictures", "class_names": ["a"]}
    assert "<canvas" in make_page(about | {"channels": 1}, "http://127.0.0.1:1")
    assert "<canvas" not in make_page(about | {"channels": 3}, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("temperature", "length", "hottest", "shown_length"), [(0.33, 20_000, "2", "10000"), (3.5, 200, "3.5", "200")]
)
def test_a_page_writes_as_the_run_does(temperature: float, length: int, hottest: str, shown_length: str) -> None:
    service = service_of(tiny_char_rnn(length=length, temperature=temperature).eval(), TinyCorpus())
    about = {"network": "Net", "data": "tiny", "weights": "w", "run": None, "kind": service.kind} | service.about()
    page = make_page(about, "http://127.0.0.1:1")
    assert f'id="temperature" min="0" max="{hottest}" step="any" value="{temperature}"' in page
    assert f'id="length" min="1" max="10000" value="{shown_length}"' in page


def test_a_port_that_is_taken_is_refused(finished_run: Callable[..., Path], command: Command) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        code, _, errors = command("serve", "--ckpt_path", finished_run(), "--port", port)
    assert code == 2
    assert f"error: --port {port}: cannot be used" in errors
    assert errors.count("\n") == 1


def test_no_second_program_has_the_port_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """There SO_REUSEADDR allows it; another option of Unix stands for the one that forbids it."""
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_KEEPALIVE, raising=False)
    with _listen(0) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_a_network_that_cannot_be_asked_is_refused(
    finished_run: Callable[..., Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.serving.services.DecodesPictures", str)
    code, _, errors = command("serve", "--ckpt_path", finished_run(), "--port", "0")
    assert code == 2
    assert "error: serve: VGG neither classifies pictures or texts nor writes texts; predict uses it" in errors


def test_a_network_of_points_takes_no_pictures_and_is_refused() -> None:
    model = MLP(num_classes=2, in_channels=2, image_size=1, widths=[3]).eval()
    with pytest.raises(InputError, match="serve: MLP neither classifies pictures or texts nor writes texts"):
        service_of(model, XORDataModule())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "serve needs --ckpt_path"),
        (
            ("--config", "vgg_bn.yaml"),
            "serve needs --ckpt_path, a run folder or a checkpoint; or --config and --weights",
        ),
        (("--input", "a.png", "--ckpt_path", "run"), "--input: is for predict, and serve has no use for it"),
        (
            ("--config", "vgg_bn.yaml", "--weights", "w.pth", "--trainer", "{precision: 64-true}"),
            "--trainer.precision: is for predict; serve computes in float32",
        ),
        *(
            (("--port", port), f"--port: {port}: a number from 0 to 65535 is needed")
            for port in ("-1", "65536", "8k", "")
        ),
    ],
)
def test_what_cannot_be_served_is_one_line(words: tuple[str, ...], reason: str, command: Command) -> None:
    code, _, errors = command("serve", *words)
    assert code == 2
    assert errors.startswith(f"error: {reason}")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(("times", "signum"), [(1, signal.SIGTERM), (2, signal.SIGTERM), (1, signal.SIGINT)])
def test_a_run_is_served_until_a_signal_comes(
    times: int,
    signum: int,
    finished_run: Callable[..., Path],
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tick = Server.on_tick

    async def interrupted(server: Server, counter: int) -> bool:
        for _ in range(times):
            signal.raise_signal(signum)
        return await tick(server, counter)

    monkeypatch.setattr(Server, "on_tick", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, output, errors = command("serve", "--ckpt_path", finished_run(), "--port", "0")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (code, errors) == (128 + signum, "")
    assert "serving  http://127.0.0.1:" in output
    assert output.endswith("\nended\n")
