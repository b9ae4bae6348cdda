"""The server of the page, on this machine only, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import secrets
import socket
import threading
from concurrent.futures import Future
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from styletransfer.errors import ConfigError, reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from styletransfer.live.session import Session

OPEN = "/open"
"""The path of the link that leads to the page once."""

_PACKAGE = "aiohttp"
_HERE = "127.0.0.1"
_PATIENCE = 5.0  # seconds that slow pages, which get the result, may delay the end


def check_live() -> None:
    """Refuse ``--live`` if a package is missing, before anything is done.

    Raises:
        ConfigError: With the command that installs it.
    """
    if find_spec(_PACKAGE) is None:
        raise ConfigError(f"--live needs {_PACKAGE}; pip install {_PACKAGE}")


class Server:
    """Serves the page of a run while it is entered as a context.

    Args:
        session: The run.

    Raises:
        ConfigError: On entering, if a package is missing, or no port is free.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._token = secrets.token_urlsafe(16)
        self._once = secrets.token_urlsafe(16)
        self._port = 0
        self._thread: threading.Thread | None = None
        self._end: Callable[[], object] = lambda: None

    @property
    def address(self) -> str:
        """The address of the page, with its secret."""
        return f"http://{_HERE}:{self._port}/?token={self._token}"

    @property
    def link(self) -> str:
        """An address that leads to the page, but only the first who opens it."""
        return f"http://{_HERE}:{self._port}{OPEN}?token={self._once}"

    @property
    def tunnel(self) -> str:
        """The command that makes the address work on another machine, over ssh."""
        return f"ssh -L {self._port}:{_HERE}:{self._port} {platform.node() or 'HOST'}"

    def __enter__(self) -> Self:
        check_live()
        try:
            listening = socket.create_server((_HERE, 0))
        except OSError as error:
            raise ConfigError(
                f"--live cannot open a port on {_HERE} ({reason(error)}); paint without it"
            ) from error
        self._port = listening.getsockname()[1]
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(listening, opened), daemon=True)
        self._thread.start()
        opened.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        if self._thread is not None:
            self._thread.join()

    def _run(self, listening: socket.socket, opened: Future[None]) -> None:
        try:
            asyncio.run(self._serve(listening, opened))
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)  # to the thread that waits for it

    async def _serve(self, listening: socket.socket, opened: Future[None]) -> None:
        from aiohttp import web

        from styletransfer.live.access import Access
        from styletransfer.live.routes import Routes

        loop, end = asyncio.get_running_loop(), asyncio.Event()

        def call(function: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):  # The painting may outlive the server.
                loop.call_soon_threadsafe(function)

        self._end = lambda: call(end.set)
        access = Access(self._port, self._token, self._once)
        routes = Routes(self._session, access, self._token, self.tunnel)
        runner = web.AppRunner(routes.application(), access_log=None, shutdown_timeout=_PATIENCE)
        await runner.setup()
        await web.SockSite(runner, listening).start()

        def wake() -> None:
            for connection in routes.connections:
                connection.news.set()

        self._session.listen(lambda: call(wake))
        opened.set_result(None)
        await end.wait()
        await asyncio.gather(*(each.close(_PATIENCE) for each in routes.connections))
        await runner.cleanup()
