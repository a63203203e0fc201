"""Who may ask: programs of this machine, and this server's own page."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.terminal.printable import printable

HOSTS = ("127.0.0.1", "localhost", "::1")  # names under which a browser may ask
HEADERS = {
    "content-security-policy": "frame-ancestors 'none'",  # the page itself states all else
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class OwnPages:
    """Lets in only what programs of this machine and this server's own page ask.

    Pages of other sites can send requests to this machine through a browser; those name another host, or another
    origin than this server.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        app = self.app
        if scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            origin = headers.get("origin")
            own = origin is None or _address(origin)[1] == headers.get("host")
            if not own or _address(f"//{headers.get('host', '')}")[0] not in HOSTS:
                app = refusal(403, "only this server's own page and programs of this machine may ask")
        await app(scope, receive, send)


def refusal(status: int, line: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Returns an answer that says in a line why there is no other, with headers of its own."""
    return JSONResponse({"error": printable(line)}, status_code=status, headers=HEADERS | dict(headers or {}))


def _address(url: str) -> tuple[str | None, str | None]:
    """Returns the host of a URL, without and with its port."""
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.netloc
    except ValueError:
        return None, None
