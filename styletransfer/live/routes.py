"""The addresses of the server, and what is behind each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from styletransfer.live import page
from styletransfer.live.connection import Connection
from styletransfer.live.frames import LONGEST_SIDE, encode_jpeg
from styletransfer.live.server import OPEN

if TYPE_CHECKING:
    from PIL import Image

    from styletransfer.live.access import Access
    from styletransfer.live.session import Session

_LARGEST_MESSAGE = 4096  # bytes that a page may send at once
_HEARTBEAT = 20.0  # seconds
_PAINTING_SIDE = 1024  # pixels


class Routes:
    """The answers to requests.

    Args:
        session: The run.
        access: The checks.
        token: The secret in the address.
        tunnel: The command that makes the page reachable over ssh.
    """

    def __init__(self, session: Session, access: Access, token: str, tunnel: str) -> None:
        self.connections: set[Connection] = set()
        self._session = session
        self._access = access
        self._token = token
        self._tunnel = tunnel
        self._encoded: dict[tuple[str, int], bytes] = {}

    def application(self) -> web.Application:
        """Return the application that serves all of them."""
        application = web.Application(middlewares=[self._access.check])
        application.on_response_prepare.append(self._access.add_headers)
        application.router.add_get("/", self._page)
        application.router.add_get(OPEN, self._open)
        application.router.add_get("/news", self._news)
        application.router.add_get("/photograph", self._photograph)
        application.router.add_get(r"/painting/{index:\d{1,4}}", self._painting)
        application.router.add_get("/{name}", self._file)
        return application

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=page.html(self._token), content_type="text/html")

    async def _open(self, request: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": f"/?token={self._token}"})

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in page.FILES:
            raise web.HTTPNotFound(text="there is no such file\n")
        return web.Response(text=page.file(name), content_type=page.FILES[name])

    async def _photograph(self, request: web.Request) -> web.Response:
        # To the pixel beside the picture.
        longest = min(max(_PAINTING_SIDE, *self._session.sizes[-1][:2]), LONGEST_SIDE)
        return await self._picture(request.path, self._session.photograph, longest)

    async def _painting(self, request: web.Request) -> web.Response:
        index = int(request.match_info["index"])
        if index >= len(self._session.paintings):
            raise web.HTTPNotFound(text="there is no such painting\n")
        return await self._picture(request.path, self._session.paintings[index], _PAINTING_SIDE)

    async def _picture(self, path: str, picture: Image.Image, longest: int) -> web.Response:
        key = (path, longest)  # The result may become larger.
        if key not in self._encoded:
            self._encoded[key] = await asyncio.to_thread(_thumbnail, picture, longest)
        return web.Response(body=self._encoded[key], content_type="image/jpeg")

    async def _news(self, request: web.Request) -> web.WebSocketResponse:
        self._access.check_origin(request)
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT, max_msg_size=_LARGEST_MESSAGE, compress=False
        )
        await socket.prepare(request)
        connection = Connection(socket, self._session)
        self.connections.add(connection)
        try:
            await connection.serve(page.about(self._session, self._tunnel))
        finally:
            self.connections.discard(connection)
        return socket


def _thumbnail(picture: Image.Image, longest: int) -> bytes:
    """A JPEG of at most so many pixels on the longest side."""
    factor = min(1.0, longest / max(picture.size))
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return encode_jpeg(picture.resize((width, height), reducing_gap=2))
