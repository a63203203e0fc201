"""Requests of many clients at once to a served network: how long one waits, beside plain forward passes.

    python -m benchmarks.serving

Each of 200 clients holds a connection and sends a picture as soon as it has the answer to the one before. The server is
a process of its own, the clients are another; on a machine of few cores both take of the same. The plain passes are of
the same network, over pictures that are decoded already: alone, and in batches as the server makes them. A request that
is refused or fails ends the benchmark.
"""

import asyncio
import io
import multiprocessing
import socket
import statistics
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from benchmarks.measure import by_turns, parser, ratio, show, summarize, write
from benchmarks.overhead import vgg
from datamodules import CIFAR10DataModule
from engine.serving.app import LARGEST_BATCH, Application
from engine.serving.services import Service, service_of

PICTURES = 16  # different ones
SIDE = 32


def service() -> Service:
    """Returns what is asked: a network of batch-normalised convolutions on pictures of CIFAR-10's size."""
    torch.manual_seed(0)
    return service_of(vgg().eval().requires_grad_(False), CIFAR10DataModule(source="synthetic"))


def files() -> list[bytes]:
    """Returns pictures of noise as PNG files."""
    rng = torch.Generator().manual_seed(0)
    found = []
    for _ in range(PICTURES):
        file = io.BytesIO()
        pixels = torch.randint(256, (SIDE, SIDE, 3), dtype=torch.uint8, generator=rng)
        Image.fromarray(pixels.numpy()).save(file, "PNG")
        found.append(file.getvalue())
    return found


def serve(pipe: Connection) -> None:
    """Serves until the process is ended; sends the port first."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    app = Application(service(), "", {"kind": "pictures"}).starlette
    pipe.send(listener.getsockname()[1])
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])


async def client(port: int, pictures: Sequence[bytes], requests: int) -> list[float]:
    """Sends one picture after the other on one connection; returns how long each answer took, in seconds.

    Raises:
        RuntimeError: A request was not answered with classes.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    try:
        for number in range(requests):
            picture = pictures[number % len(pictures)]
            head = f"POST /api/predict HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {len(picture)}\r\n\r\n"
            began = time.perf_counter()
            writer.write(head.encode() + picture)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            content = await reader.readexactly(int(answer.partition("content-length:")[2].partition("\r\n")[0]))
            taken.append(time.perf_counter() - began)
            if " 200 " not in answer.partition("\r\n")[0] or b'"class"' not in content:
                raise RuntimeError(f"{answer.splitlines()[0]}: {content[:200]!r}")
    finally:
        writer.close()
        await writer.wait_closed()
    return taken


async def clients(port: int, pictures: Sequence[bytes], number: int, requests: int) -> tuple[list[float], float]:
    """Lets clients ask at once; returns how long all answers took, and how long it took together, in seconds."""
    began = time.perf_counter()
    turned = [[*pictures[place % len(pictures) :], *pictures[: place % len(pictures)]] for place in range(number)]
    found = await asyncio.gather(*(client(port, own, requests) for own in turned))
    return [one for several in found for one in several], time.perf_counter() - began


def percentile(values: Sequence[float], percent: int) -> float:
    """Returns the value that so many percent do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def passes(asked: Service, pixels: Tensor, batch: int, seconds: float = 1.0) -> list[float]:
    """Returns how long plain forward passes over batches took, in seconds."""
    taken, began = [], time.perf_counter()
    inputs = pixels[torch.arange(batch) % len(pixels)]
    with torch.inference_mode():
        while time.perf_counter() - began < seconds or len(taken) < 3:
            start = time.perf_counter()
            asked.form.network(inputs)
            taken.append(time.perf_counter() - start)
    return taken


def main(argv: list[str] | None = None) -> None:
    """Measures in turns and writes the record."""
    options = parser(__doc__)
    options.add_argument("--clients", type=int, default=200, help="clients at once (default: %(default)s)")
    options.add_argument("--requests", type=int, default=20, help="of each client in a turn (default: %(default)s)")
    arguments = options.parse_args(argv)
    pictures, asked = files(), service()
    pixels = torch.stack([asked.read(picture) for picture in pictures])
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    figures: dict[str, list[float]] = {
        name: [] for name in ("median", "p95", "alone_p95", "per_second", "batch_per_second")
    }

    def served() -> float:
        taken, together = asyncio.run(clients(port, pictures, arguments.clients, arguments.requests))
        figures["per_second"].append(len(taken) / together)
        figures["median"].append(1e3 * statistics.median(taken))
        figures["p95"].append(1e3 * percentile(taken, 95))
        return figures["p95"][-1]

    def plain() -> float:
        figures["alone_p95"].append(1e3 * percentile(passes(asked, pixels, 1), 95))
        figures["batch_per_second"].append(LARGEST_BATCH / statistics.median(passes(asked, pixels, LARGEST_BATCH)))
        return figures["alone_p95"][-1]

    try:
        port = ours.recv()
        by_turns({f"{arguments.clients} clients, p95": served, "one pass, p95": plain}, arguments.pairs, "ms")
    finally:
        server.kill()
    kept = {name: values[-arguments.pairs :] for name, values in figures.items()}  # without those to warm up
    results: dict[str, Any] = {
        "requests": {"clients": arguments.clients, "answered": arguments.clients * arguments.requests},
        "milliseconds": {"served/median": summarize(kept["median"]), "served/p95": summarize(kept["p95"])},
        "pictures_per_second": {"served": summarize(kept["per_second"]), "plain": summarize(kept["batch_per_second"])},
        "served_of_plain": ratio(kept["per_second"], kept["batch_per_second"]),
    }
    results["milliseconds"]["one plain pass/p95"] = summarize(kept["alone_p95"])
    for name, values in results["milliseconds"].items():
        show(f"{name}, ms", values, 1)
    show("pictures a second, served of plain batches", results["served_of_plain"])
    write(__file__, results, arguments, "pictures of noise", "cpu")


if __name__ == "__main__":
    main()
