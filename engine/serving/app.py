"""The web application: a page and JSON endpoints for one network."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import InputError
from core.processes.threads import cores
from engine.serving.batcher import Batcher, Busy
from engine.serving.guard import HEADERS, OwnPages, refusal
from engine.serving.requests import documents, json_body, pictures, read_body, read_wish
from engine.serving.services import Service, Text, Writing

LARGEST_BATCH = 64
WAITING = 4096  # samples of all requests that may wait
PATIENCE = 32  # symbols that are written before it is looked whether the client is still there


class Application:
    """Answers requests with a network.

    Args:
        service: The network.
        page: The page.
        about: What the network is and takes, as plain values.
    """

    def __init__(self, service: Service, page: str, about: dict[str, Any]) -> None:
        self.service = service
        self.page = page
        self.about = about
        self.batcher: Batcher = Batcher(service.compute, LARGEST_BATCH, WAITING)
        # of all requests together: a small file can be a picture that takes hundreds of MB while it is decoded
        self._readers = ThreadPoolExecutor(cores(), "reader")
        answer = self.write if isinstance(service, Writing) else self.classify
        self.starlette = Starlette(
            routes=[
                Route("/", self.show, methods=["GET"]),
                Route("/api", self.describe, methods=["GET"]),
                Route("/api/predict", answer, methods=["POST"]),
            ],
            middleware=[Middleware(OwnPages)],
            exception_handlers={
                HTTPException: lambda request, error: refusal(error.status_code, error.detail, error.headers),
                ClientDisconnect: lambda request, error: refusal(400, "the request has ended before its end"),
                InputError: lambda request, error: refusal(422, str(error)),
                Busy: lambda request, error: refusal(503, "too many requests wait; ask again in a moment"),
                Exception: lambda request, error: refusal(500, f"{type(error).__name__}: this request failed"),
            },
        )

    def close(self) -> None:
        """Ends the threads that read and compute."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.batcher.close()

    async def show(self, request: Request) -> Response:
        """Returns the page."""
        return HTMLResponse(self.page, headers=HEADERS)

    async def describe(self, request: Request) -> Response:
        """Returns what the network is and takes."""
        return JSONResponse(self.about, headers=HEADERS)

    async def classify(self, request: Request) -> Response:
        """Returns classes of a picture or a text, or of those of a JSON object."""
        content = await read_body(request)
        sent = (pictures if self.service.kind == "pictures" else documents)(content, json_body(request, content))
        read = partial(asyncio.get_running_loop().run_in_executor, self._readers, self._read, sent)
        samples = await asyncio.gather(*map(read, range(len(sent))))
        found = await self.batcher(samples)
        return JSONResponse({"predictions": [self.service.answer(one) for one in found]}, headers=HEADERS)

    def _read(self, sent: Sequence[Any], place: int) -> Any:
        """Returns one of the samples that are sent; what cannot be read is told with its place among several."""
        try:
            return self.service.read(sent[place])
        except InputError as error:
            if len(sent) == 1:
                raise
            listed = "pictures" if self.service.kind == "pictures" else "texts"
            raise InputError(f"{listed}[{place}]: {error}") from error

    async def write(self, request: Request) -> Response:
        """Returns a text that the network has written, as JSON; or letter by letter, if `stream` is true."""
        asked = json_body(request, await read_body(request))
        if asked is None:
            raise HTTPException(415, 'a JSON object is needed, such as {"prime": "The ", "length": 200}')
        wish = read_wish(asked, self.service.length)
        text = self.service.begin(wish)
        letters = self._letters(text)
        if wish.stream:
            first = await anext(letters, "")  # where the network is busy or fails, no answer has begun yet
            return StreamingResponse(_all_of(first, letters), media_type="text/plain; charset=utf-8", headers=HEADERS)
        written: list[str] = []
        async for some in letters:
            written.append(some)
            if len(written) % PATIENCE == 0 and await request.is_disconnected():
                break
        return JSONResponse({"prime": wish.prime, "text": "".join(written)}, headers=HEADERS)

    async def _letters(self, text: Text) -> AsyncIterator[str]:
        """Yields what one symbol after the other stands for."""
        while text.left > 0:
            (outputs,) = await self.batcher([text.step])
            symbol = text.take(outputs)
            if symbol is not None:
                yield self.service.data.decode(symbol)


async def _all_of(first: str, others: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yields a letter, and then the others."""
    yield first
    async for one in others:
        yield one
