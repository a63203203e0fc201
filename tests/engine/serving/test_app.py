"""The endpoint of a network: what it answers, and how it refuses."""

import asyncio
import base64
import io
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from lightning_modules import BagOfNgrams
from tests.served import served
from tests.tiny import SizedDataModule, tiny_vgg
from tests.tiny_text import TinyCorpus, TinyDocuments, tiny_char_rnn

pytest.importorskip("starlette", reason="the extra `serve` is not installed")
httpx = pytest.importorskip("httpx", reason="the extra `test` is not installed")

from engine.serving.app import Application  # noqa: E402 (if it is installed)
from engine.serving.batcher import Busy  # noqa: E402
from engine.serving.command import _about  # noqa: E402
from engine.serving.services import ClassifiesPictures, Service, Wish, service_of  # noqa: E402

OWN = "http://127.0.0.1:8000"


def picture(seed: int = 0, side: int = 20) -> bytes:
    """Returns a PNG file of noise."""
    pixels = torch.randint(256, (side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return file.getvalue()


def ask(service: Service, *requests: dict[str, Any]) -> list[Any]:
    """Sends requests together; returns the answers."""
    app = Application(service, "a page", {"kind": service.kind})

    async def send() -> list[Any]:
        transport = httpx.ASGITransport(app.starlette, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            whole = ({"method": "POST", "url": "/api/predict"} | request for request in requests)
            return await asyncio.gather(*(client.request(**request) for request in whole))

    answers = asyncio.run(send())
    app.close()
    return answers


@pytest.fixture(scope="module")
def pictures() -> Service:
    """A classifier of pictures."""
    return service_of(tiny_vgg().eval(), SizedDataModule())


@pytest.fixture(scope="module")
def documents() -> Service:
    """A classifier of documents."""
    data = TinyDocuments()
    torch.manual_seed(0)
    return service_of(BagOfNgrams(4, data.vocab_size, embedding=4).eval(), data)


@pytest.fixture(scope="module")
def writer() -> Service:
    """A network that writes."""
    return service_of(tiny_char_rnn(length=30).eval(), TinyCorpus())


def test_a_picture_gets_the_classes_that_the_network_gives_it(pictures: Service) -> None:
    (answer,) = ask(pictures, {"content": picture()})
    (prediction,) = answer.json()["predictions"]
    data = SizedDataModule()
    pixels = data.decode_picture(picture())
    with torch.no_grad():
        expected = tiny_vgg().eval()(data.prepare(pixels[None], {})).softmax(1)[0]
    assert prediction["class"] == data.class_names[int(expected.argmax())]
    found = {one["name"]: one["probability"] for one in prediction["classes"]}
    assert found == pytest.approx(dict(zip(data.class_names, expected.tolist(), strict=True)), abs=1e-5)


def test_several_pictures_go_as_json(pictures: Service) -> None:
    files = [base64.b64encode(picture(seed)).decode() for seed in range(3)]
    answers = ask(pictures, {"json": {"pictures": files}}, *({"content": picture(seed)} for seed in range(3)))
    together, *alone = (answer.json()["predictions"] for answer in answers)
    for one, (other,) in zip(together, alone, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


def test_texts_of_any_length_are_classified_alone_and_together(documents: Service) -> None:
    texts = ["one", "two words", "many words " * 40, "?"]
    answers = ask(documents, {"json": {"texts": texts}}, *({"content": text} for text in texts))
    together, *alone = (answer.json()["predictions"] for answer in answers)
    for one, (other,) in zip(together, alone, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


def test_no_more_pictures_are_decoded_at_a_time_than_there_are_cores(
    pictures: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, at_once, most = pictures.read, threading.Semaphore(2), []

    def watched(content: bytes) -> torch.Tensor:
        most.append(at_once.acquire(blocking=False))
        try:
            time.sleep(0.01)  # long enough for others to begin
            return decode(content)
        finally:
            at_once.release()

    monkeypatch.setattr("engine.serving.app.cores", lambda: 2)
    monkeypatch.setattr(pictures, "read", watched)
    files = [base64.b64encode(picture()).decode()] * 20
    answers = ask(pictures, *({"json": {"pictures": files}} for _ in range(2)))
    assert [len(answer.json()["predictions"]) for answer in answers] == [20, 20]
    assert most == [True] * 40


def test_200_requests_at_once_are_answered_in_batches(pictures: Service) -> None:
    pictures_of_few = [picture(seed) for seed in range(4)]
    answers = ask(pictures, *({"content": pictures_of_few[place % 4]} for place in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    for place, answer in enumerate(answers):
        first = answers[place % 4].json()["predictions"][0]
        assert answer.json()["predictions"][0]["probability"] == pytest.approx(first["probability"], abs=1e-5)


def test_a_text_is_written_alike_at_once_and_letter_by_letter(writer: Service) -> None:
    wish = {"prime": "the ", "length": 25, "seed": 3, "temperature": 0.5}
    whole, streamed, other = ask(
        writer, {"json": wish}, {"json": wish | {"stream": True}}, {"json": wish | {"seed": 4}}
    )
    assert len(whole.json()["text"]) == 25
    assert whole.json()["prime"] == "the "
    assert streamed.text == whole.json()["text"] != other.json()["text"]


def test_a_text_is_what_the_network_writes_by_itself(writer: Service) -> None:
    data, model = TinyCorpus(), tiny_char_rnn(length=30, temperature=0.0).eval()
    expected = data.decode(model.write(torch.tensor([data.encode("the ")]), 30, torch.Generator())[0])
    (answer,) = ask(service_of(model, data), {"json": {"prime": "the "}})
    assert answer.json()["text"] == expected


def test_many_texts_are_written_at_once_as_alone(writer: Service) -> None:
    wishes = [{"json": {"prime": "a" * (1 + n % 3), "length": 5 + n % 2, "seed": n}} for n in range(60)]
    answers = ask(writer, *wishes)
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json() for answer in answers[:4]] == [ask(writer, wish)[0].json() for wish in wishes[:4]]


def test_long_beginnings_are_read_a_few_at_a_time(writer: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    network, read = writer.form.network, []

    def watched(symbols: torch.Tensor, *others: torch.Tensor) -> tuple[torch.Tensor, ...]:
        read.append(tuple(symbols.shape))
        return network(symbols, *others)

    begun = [writer.begin(Wish("the " * length, 1, 0, {})).step for length in (2, 2, 2, 1, 8)]
    expected = [outputs[0] for outputs in writer.compute(begun)]
    monkeypatch.setattr("engine.serving.services.TOKENS", 16)
    monkeypatch.setattr(writer, "form", replace(writer.form, network=watched))
    found = [outputs[0] for outputs in writer.compute(begun)]
    assert read == [(2, 8), (1, 8), (1, 4), (1, 32)]
    torch.testing.assert_close(found, expected)


def test_the_page_and_a_description_are_there(pictures: Service) -> None:
    page, about = ask(pictures, {"method": "GET", "url": "/"}, {"method": "GET", "url": "/api"})
    assert page.text == "a page"
    assert about.json() == {"kind": "pictures"}
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


BOMB = {"content": b"BM" + bytes(12) + (40).to_bytes(4, "little") + (70_000).to_bytes(4, "little") * 2 + bytes(200)}


@pytest.mark.parametrize(
    ("request_", "status", "line"),
    [
        ({"content": b"no picture"}, 422, "no picture that can be read"),
        ({"content": picture()[:200]}, 422, "broken picture"),
        (BOMB, 422, ""),
        ({"content": b""}, 400, "empty"),
        ({"json": {"pictures": ["***"]}}, 400, "files in base64"),
        ({"json": {"pictures": []}}, 400, 'a JSON object such as {"pictures"'),
        ({"json": {"path": "/etc/passwd"}}, 400, "'path': not known here; a request may have pictures"),
        ({"json": {}}, 400, 'a JSON object such as {"pictures"'),
        ({"json": ["/etc/passwd"]}, 400, "this is a list"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "no JSON"),
        ({"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}, 400, "no JSON"),
        ({"json": {"pictures": [""] * 257}}, 413, "257"),
        ({"content": bytes(17 * 2**20)}, 413, "16 MB"),
        ({"method": "GET"}, 405, "Method Not Allowed"),
        ({"json": {"pictures": [""], "size": 3}}, 400, "'size': not known here; a request may have pictures"),
        ({"method": "GET", "url": "/../../etc/passwd"}, 404, "Not Found"),
        ({"content": picture(), "headers": {"host": "elsewhere.example"}}, 403, "programs of this machine"),
        ({"content": picture(), "headers": {"origin": "http://elsewhere.example"}}, 403, "programs of this machine"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(
    pictures: Service, request_: dict[str, Any], status: int, line: str
) -> None:
    (answer,) = ask(pictures, request_)
    assert answer.status_code == status
    assert line in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_request_of_the_page_itself_is_answered(pictures: Service) -> None:
    (answer,) = ask(pictures, {"content": picture(), "headers": {"origin": OWN}})
    assert answer.status_code == 200


def test_names_that_are_no_utf8_are_escaped(pictures: Service) -> None:
    facts = pictures.form.facts | {"class_names": ["caf\udce9"] * len(pictures.class_names)}
    service = ClassifiesPictures(replace(pictures.form, facts=facts), pictures.data)
    (answer,) = ask(service, {"content": picture()})
    assert (answer.status_code, answer.json()["predictions"][0]["class"]) == (200, "caf\\xe9")
    trained = SimpleNamespace(model=service, data_name="d\udce9", measured="w\udce9", run_name="r\udce9/1")
    about = _about(trained, service)
    assert (about["data"], about["weights"], about["run"]) == ("d\\xe9", "w\\xe9", "r\\xe9/1")
    assert {*about["class_names"]} == {"caf\\xe9"}


@pytest.mark.parametrize(
    ("wish", "status", "line"),
    [
        ({"prime": "é"}, 422, "not among the"),
        ({"prime": 3}, 400, "prime: a text"),
        ({"length": 0}, 400, "length: a whole number from 1"),
        ({"length": 10_001}, 400, "length: a whole number from 1 to 10,000"),
        ({"length": True}, 400, "length: a whole number"),
        ({"seed": -1}, 400, "seed: a whole number from 0"),
        ({"temperature": "hot"}, 400, "temperature: a number"),
        ({"temperature": -1}, 422, "temperature"),
        ({"top_k": 1.5}, 400, "top_k: a whole number"),
        ({"temperature": 10**400}, 400, "temperature: a number up to"),
        ({"stream": "yes"}, 400, "stream: true or false"),
        ({"lenght": 5, "top": 1}, 400, "'lenght', 'top': not known here; a request may have prime, length"),
        ({"x\n" * 999: 5}, 400, "not known here"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(writer: Service, wish: dict[str, Any], status: int, line: str) -> None:
    (answer,) = ask(writer, {"json": wish})
    assert answer.status_code == status
    assert line in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_what_is_no_number_is_refused(writer: Service, number: str) -> None:
    content = f'{{"temperature": {number}}}'
    (answer,) = ask(writer, {"content": content, "headers": {"content-type": "application/json"}})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "temperature: a number up to 2,147,483,648 is needed"},
    )


def test_symbols_are_drawn_at_any_temperature(writer: Service) -> None:
    wishes = ({"length": 5, "temperature": temperature} for temperature in (0, 1e-300, 1e-6, 1e6))
    cold, coldest, *others = ask(writer, *({"json": wish} for wish in wishes))
    assert cold.json() == coldest.json()
    assert {answer.status_code for answer in others} == {200}


def test_a_text_without_json_is_refused_where_wishes_are_needed(writer: Service) -> None:
    (answer,) = ask(writer, {"content": "write!"})
    assert answer.status_code == 415
    assert "a JSON object is needed" in answer.json()["error"]


def test_what_cannot_be_read_is_told_with_its_place(pictures: Service, documents: Service) -> None:
    files = [base64.b64encode(content).decode() for content in (picture(), b"no picture")]
    (answer,) = ask(pictures, {"json": {"pictures": files}})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("pictures[1]: no picture that can be read")
    (answer,) = ask(documents, {"json": {"texts": ["one", "two", " "]}})
    assert (answer.status_code, answer.json()) == (422, {"error": "texts[2]: empty; a text is needed"})


def test_a_method_that_is_not_there_names_those_that_are(pictures: Service) -> None:
    get, post = ask(pictures, {"method": "GET"}, {"method": "POST", "url": "/api"})
    assert (get.headers["allow"], get.status_code) == ("POST", 405)
    assert set(post.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_name_that_documents_have_not_is_refused(documents: Service) -> None:
    (answer,) = ask(documents, {"json": {"texts": ["one"], "text": "two"}})
    assert (answer.status_code, answer.json()["error"][:20]) == (400, "'text': not known he")


def test_a_text_file_is_read_as_predict_reads_it(documents: Service) -> None:
    encodings = ("utf-8", "utf-8-sig", "utf-16")
    plain, *others = ask(documents, *({"content": "river".encode(encoding)} for encoding in encodings))
    assert [answer.json() for answer in others] == [plain.json()] * 2


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ('{"texts": ["one", "two"]}', "application/x-www-form-urlencoded", 415),
        ('{"text": "one"}', "text/plain", 200),
        ('{"texts": ...', "text/plain", 200),
        ("--x\r\n\r\none\r\n--x--", "multipart/form-data; boundary=x", 415),
    ],
)
def test_what_is_meant_as_several_texts_is_not_taken_for_one(
    documents: Service, content: str, kind: str, status: int
) -> None:
    (answer,) = ask(documents, {"content": content, "headers": {"content-type": kind}})
    assert answer.status_code == status
    assert ("error" in answer.json()) == (status == 415)


def test_text_in_another_encoding_is_refused(documents: Service) -> None:
    (answer,) = ask(documents, {"content": "naïve".encode("latin-1")})
    assert answer.json() == {"error": "a text in UTF-8 is needed"}


def test_a_fault_of_the_network_is_one_line(pictures: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(samples: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(pictures, "compute", fails)
    (answer,) = ask(pictures, {"content": picture()})
    assert (answer.status_code, answer.json()) == (500, {"error": "RuntimeError: this request failed"})


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("error", "status"), [(RuntimeError("broken"), 500), (Busy(), 503)])
def test_a_text_that_cannot_begin_is_refused(
    writer: Service, error: Exception, status: int, streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(samples: object) -> None:
        raise error

    monkeypatch.setattr(writer, "compute", fails)
    (answer,) = ask(writer, {"json": {"length": 5, "stream": streams}})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"


def test_a_sample_that_fails_does_not_fail_those_beside_it(pictures: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    compute, bad = pictures.compute, picture(3)
    spoilt = pictures.read(bad)

    def fails(samples: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        if any(torch.equal(sample, spoilt) for sample in samples):
            raise RuntimeError("broken")
        return compute(samples)

    monkeypatch.setattr(pictures, "compute", fails)
    answers = ask(pictures, *({"content": picture(seed)} for seed in range(8)))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 500, 200, 200, 200, 200]


@pytest.mark.parametrize("service", ["pictures", "writer"])
def test_a_client_that_goes_away_leaves_the_others_alone(
    service: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Application(request.getfixturevalue(service), "a page", {})
    content = picture() if service == "pictures" else b'{"length": 10000, "stream": true}'
    kind = b"content-type: application/json\r\n" if service == "writer" else b""
    with served(app) as address:
        host, port = address.removeprefix("http://").split(":")
        for sent in (len(content) // 2, len(content)):
            with socket.create_connection((host, int(port))) as client:
                head = b"POST /api/predict HTTP/1.1\r\nhost: localhost\r\n%bcontent-length: %d\r\n\r\n"
                client.sendall(head % (kind, len(content)) + content[:sent])
                if sent == len(content):
                    client.recv(100)
        request_ = {"content": content} if service == "pictures" else {"json": {"length": 5}}
        assert httpx.post(f"{address}/api/predict", **request_).status_code == 200
        if service == "writer":
            deadline = time.monotonic() + 20
            before = -1
            while before != app.batcher.batches and time.monotonic() < deadline:
                before = app.batcher.batches
                time.sleep(0.2)
            assert app.batcher.batches < 9000, "nobody reads what is written"
    assert capsys.readouterr().err == ""
