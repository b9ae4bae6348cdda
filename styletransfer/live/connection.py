"""One open page: its websocket, with news in one direction and commands in the other."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

from styletransfer.errors import ConfigError, StyleTransferError, one_line
from styletransfer.live.commands import parse_message, read_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from styletransfer.live.session import Session

_PAUSE = 0.1  # seconds between two messages with news, which are joined


class Connection:
    """A page. What it is too slow for is left out, not queued.

    Args:
        socket: Its websocket.
        session: The run.
    """

    def __init__(self, socket: web.WebSocketResponse, session: Session) -> None:
        self.news = asyncio.Event()
        """Set whenever there is something to send."""
        self._socket = socket
        self._session = session
        self._rows = 0  # of the curves that were sent
        self._version = 0  # of the frame that was sent
        self._is_ready = False
        self._sender: asyncio.Task[None] | None = None

    async def serve(self, about: Mapping[str, Any]) -> None:
        """Serve the page until it is closed.

        Args:
            about: What it is told first.
        """
        self._session.frames.join(self)
        try:
            await self._socket.send_json({"about": about})
            self.news.set()
            self._sender = asyncio.create_task(self._send())
            async for message in self._socket:
                if message.type == WSMsgType.TEXT:
                    await self._receive(message.data)
        except ConnectionError:  # the page was closed
            pass
        finally:
            if self._sender is not None:
                self._sender.cancel()
            self._session.frames.forget(self)

    async def close(self, patience: float) -> None:
        """Send the last news, and close the websocket.

        Args:
            patience: Seconds to wait for a slow page.
        """
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        self._is_ready = True
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                await self._send_news()
                await self._socket.close(code=1001, message=b"the run is over")

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.news.wait()
                self.news.clear()
                await self._send_news()
                await asyncio.sleep(_PAUSE)

    async def _send_news(self) -> None:
        rows = self._session.curve(self._rows)
        self._rows += len(rows)
        await self._socket.send_json({**self._session.snapshot(), "curve": rows})
        frame = self._session.frames.newest
        if frame is None or not self._is_ready or frame.version <= self._version:
            return
        self._is_ready = False
        self._session.frames.took(self)
        await self._socket.send_bytes(await asyncio.to_thread(frame.encode))
        self._version = frame.version

    async def _receive(self, text: str) -> None:
        try:
            message = parse_message(text)
            if "frame" in message:
                self._session.want_frame(self, _size(message["frame"]))
                self._is_ready = True
                self.news.set()
            else:
                self._session.request(read_command(message, len(self._session.styles)))
        except StyleTransferError as error:
            await self._socket.send_json({"refused": one_line(str(error))})


def _size(value: Any) -> tuple[int, int]:
    """The size (width, height) for which a page asks a frame."""
    if isinstance(value, list) and len(value) == 2:
        width, height = value
        if type(width) is type(height) is int and width > 0 and height > 0:
            return width, height
    raise ConfigError("a frame has a width and a height above 0; reload the page")
