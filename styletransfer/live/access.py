"""Who may see the page: only those who know its address, and no other page of their browser."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from styletransfer.live.server import OPEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Access:
    """The checks of every request, and the headers of every answer.

    Args:
        port: The port of the server.
        token: The secret in the address of the page.
        once: The secret in the link that leads there, which is taken once: others see the
            arguments of the browser.
    """

    def __init__(self, port: int, token: str, once: str) -> None:
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._token = token.encode()
        self._once = once.encode()

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a request with another host, or without the token.

        A page of another name whose address was changed to 127.0.0.1 has another host.

        Raises:
            HTTPForbidden: With one line.
        """
        if request.headers.get("Host") not in self._hosts:
            raise web.HTTPForbidden(text="wrong host: open the address that stylize printed\n")
        given = request.query.get("token", "").encode("utf-8", "replace")
        is_link = request.path == OPEN
        if not hmac.compare_digest(given, self._once if is_link else self._token):
            raise web.HTTPForbidden(text="wrong token: open the address that stylize printed\n")
        if is_link:
            self._once = secrets.token_bytes()
        return await handler(request)

    def check_origin(self, request: web.Request) -> None:
        """Refuse a websocket of a page from elsewhere.

        Raises:
            HTTPForbidden: With one line.
        """
        if request.headers.get("Origin") != f"http://{request.headers['Host']}":
            raise web.HTTPForbidden(text="wrong origin: open the address that stylize printed\n")

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let the answer load nothing from elsewhere, and be neither kept nor framed."""
        host = request.headers.get("Host")
        policy = _POLICY.format(host=host if host in self._hosts else self._hosts[0])
        response.headers.update(
            {
                "Content-Security-Policy": policy,
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Resource-Policy": "same-origin",
            }
        )
