"""A notebook's kernel in a process that is forked from one that has imported the project already."""

import os
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from jupyter_client.manager import AsyncKernelManager

from tests.processes import start_function


def run_kernel(connection_file: str, folder: str) -> None:
    """Answers to whoever has the connection file, until the process is ended.

    Args:
        connection_file: Has the ports.
        folder: Its current folder.
    """
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)  # for how to connect, which it prints
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    application = IPKernelApp.instance()
    application.initialize(["-f", connection_file])
    application.start()


class ForkedKernel(AsyncKernelManager):
    """Starts and ends such a kernel, as `nbclient` asks for it."""

    _process: Any = None

    @property
    def has_kernel(self) -> bool:
        """Whether it has been started."""
        return self._process is not None

    async def start_kernel(self, *, cwd: str, **_: Any) -> None:
        """Starts it in a folder."""
        self.write_connection_file()
        self._process = start_function(run_kernel, self.connection_file, cwd)

    async def _async_is_alive(self) -> bool:  # which its clients ask
        return self._process.is_alive()

    is_alive = _async_is_alive

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """Ends it."""
        self._process.kill()
        self._process.join()
