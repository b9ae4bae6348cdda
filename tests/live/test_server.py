"""The server, asked by aiohttp's client."""

import asyncio
import importlib.util
import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from PIL import Image

from styletransfer.errors import ConfigError
from styletransfer.live import server as server_module
from styletransfer.live.commands import Pause, Weigh
from styletransfer.live.page import FILES
from styletransfer.live.server import Server, check_live
from styletransfer.live.session import Session
from tests.support.painter import Painter, drawn, made_session

aiohttp = pytest.importorskip("aiohttp")

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Client:
    """A client that knows the address of a server."""

    def __init__(self, server: Server, session: Any) -> None:
        self.address = server.address
        self.origin = server.address.partition("/?")[0]
        self.token = server.address.partition("token=")[2]
        self.session = session

    def url(self, path: str, token: str | None = None) -> str:
        return f"{self.origin}{path}?token={self.token if token is None else token}"

    async def get(self, path: str, token: str | None = None, **headers: str) -> Any:
        answer = await self.session.get(self.url(path, token), headers=headers)
        await answer.read()
        return answer

    @asynccontextmanager
    async def page(self, **headers: str) -> AsyncIterator["Page"]:
        headers = {"Origin": self.origin, **headers}
        async with self.session.ws_connect(self.url("/news"), headers=headers) as socket:
            yield Page(socket)


class Page:
    """The websocket of a page, and what it received."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.frames: list[bytes] = []
        self.curve: list[Any] = []
        self.news: dict[str, Any] = {}

    async def until(self, holds: Callable[[], bool]) -> None:
        """Receive messages until something holds."""
        async with asyncio.timeout(10):
            while not holds():
                message = await self.socket.receive()
                if message.type == aiohttp.WSMsgType.BINARY:
                    self.frames.append(message.data)
                elif message.type == aiohttp.WSMsgType.TEXT:
                    self.news |= message.json()
                    self.curve += message.json().get("curve", [])
                else:
                    assert holds(), f"closed with {message}"
                    return

    async def hear(self, name: str, value: object) -> None:
        """Receive messages until one has a value."""
        await self.until(lambda: self.news.get(name) == value)


@pytest.fixture
def session() -> Session:
    return made_session(("a", "b"))


@pytest.fixture
def server(session: Session) -> Iterator[Server]:
    with Server(session) as running:
        yield running


def ask(server: Server, work: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await work(Client(server, session))

    asyncio.run(run())


def publish(session: Session, steps: int) -> None:
    session.publish(
        size_index=0,
        iteration=steps,
        steps=steps,
        losses={"content": 1.0, "style": 2.0, "tv": 3.0},
        picture=drawn,
        seconds_left=1.0,
    )


def test_the_address_is_of_this_machine_and_secret(session: Session) -> None:
    with Server(session) as one, Server(session) as other:
        assert one.address.startswith("http://127.0.0.1:")
        assert one.address.partition("?")[2] != other.address.partition("?")[2]
        assert len(one.address.partition("token=")[2]) >= 20
        port = one.address.split(":")[2].partition("/")[0]
        assert one.tunnel.startswith(f"ssh -L {port}:127.0.0.1:{port} ")


def test_all_files_are_served_with_headers_that_keep_others_out(server: Server) -> None:
    async def work(client: Client) -> None:
        for path in ("/", *(f"/{name}" for name in FILES), "/photograph", "/painting/1", "/none"):
            answer = await client.get(path)
            assert answer.status == (404 if path == "/none" else 200), path
            assert answer.headers.items() >= HEADERS.items()
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy

    ask(server, work)


def test_pictures_are_jpeg_no_larger_than_needed(server: Server, session: Session) -> None:
    session.photograph = Image.new("RGBA", (10_000, 20), "red")
    sides: list[tuple[int, int]] = []

    async def work(client: Client) -> None:
        data = await (await client.get("/photograph")).read()
        sides.append(Image.open(io.BytesIO(data)).size)
        assert (await client.get("/painting/2")).status == 404

    ask(server, work)
    for result in (1500, 9000):
        session.sizes[-1] = (result, result, 1)
        with Server(session) as other:
            ask(other, work)
    assert sides == [(1024, 2), (1500, 3), (4096, 8)]


def test_the_link_for_the_browser_leads_to_the_page_once(server: Server) -> None:
    async def work(client: Client) -> None:
        assert client.token not in server.link
        once = server.link.partition("token=")[2]
        assert (await client.get("/", once)).status == 403
        first = await client.session.get(server.link)
        assert (first.status, str(first.url)) == (200, server.address)
        again = await client.session.get(server.link)
        assert again.status == 403
        assert (await client.get("/open")).status == 403

    ask(server, work)


@pytest.mark.parametrize("path", ["/", "/live.js", "/photograph", "/news", "/none"])
@pytest.mark.parametrize(
    ("token", "headers", "words"),
    [
        ("", {}, "wrong token"),
        ("a" * 22, {}, "wrong token"),
        ("%C3%A9", {}, "wrong token"),
        (None, {"Host": "example.org"}, "wrong host"),
        (None, {"Host": "127.0.0.1:1"}, "wrong host"),
    ],
)
def test_a_wrong_token_or_host_is_refused(
    path: str, token: str | None, headers: dict[str, str], words: str, server: Server
) -> None:
    async def work(client: Client) -> None:
        answer = await client.get(path, token, **headers)
        assert answer.status == 403
        text = await answer.text()
        assert text.startswith(words)
        assert text.count("\n") == 1
        assert answer.headers.items() >= HEADERS.items()
        assert client.token not in text

    ask(server, work)


def test_localhost_is_this_machine_too(server: Server) -> None:
    async def work(client: Client) -> None:
        host = client.origin.replace("http://127.0.0.1", "localhost")
        assert (await client.get("/", Host=host)).status == 200
        async with client.page(Host=host, Origin=f"http://{host}") as page:
            await page.until(lambda: "state" in page.news)

    ask(server, work)


@pytest.mark.parametrize("origin", ["http://example.org", "http://127.0.0.1:1", "null", ""])
def test_a_page_from_elsewhere_gets_no_websocket(origin: str, server: Server) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with client.page(Origin=origin):
                pass
        assert refusal.value.status == 403

    ask(server, work)


def test_a_page_hears_the_whole_run_again_after_a_reload(server: Server, session: Session) -> None:
    async def work(client: Client) -> None:
        for steps in (1, 2, 3):
            publish(session, steps)
        session.say("paused", "")
        for _ in range(2):
            async with client.page() as page:
                await page.until(lambda: "state" in page.news)
                assert page.news["about"]["styles"] == ["a", "b"]
                assert page.news["state"] == "paused"
                assert [row[0] for row in page.curve] == [1, 2, 3]

    ask(server, work)


def test_two_pages_see_the_same_and_command_the_same_run(server: Server, session: Session) -> None:
    async def work(client: Client) -> None:
        async with client.page() as one, client.page() as other:
            await one.socket.send_json({"do": "weigh", "content": 1, "style": 2, "tv": 0})
            asked = {"content": 1.0, "style": 2.0, "tv": 0.0, "shares": None}
            for page in (one, other):
                await page.hear("asked", asked)
            assert session.take(block=False) == [Weigh(1.0, 2.0, 0.0)]
            for page in (one, other):
                await page.hear("weights", asked)

    ask(server, work)


def test_a_refused_command_is_answered_in_one_line_and_the_page_stays(
    server: Server, session: Session
) -> None:
    async def work(client: Client) -> None:
        async with client.page() as page:
            for text in ('{"do": "fly"}', "no JSON", '{"frame": [0, -1]}', '{"frame": 1}'):
                page.news.pop("refused", None)
                await page.socket.send_str(text)
                await page.until(lambda: "refused" in page.news)
                assert "\n" not in page.news["refused"]
            await page.socket.send_json({"do": "pause"})
            await page.until(lambda: bool(session._commands))
        assert session.take(block=False) == [Pause()]

    ask(server, work)


def test_a_page_that_has_not_taken_a_frame_gets_no_other(server: Server, session: Session) -> None:
    async def work(client: Client) -> None:
        async with client.page() as page:
            publish(session, 1)
            assert session.frames.newest is None, "no page asked"
            await page.socket.send_json({"frame": [30, 20]})
            while session.frames.newest is None:
                await asyncio.sleep(0.01)
                publish(session, 2)
            await page.until(lambda: len(page.frames) == 1)
            assert Image.open(io.BytesIO(page.frames[0])).size == (30, 20)

            for steps in range(3, 20):
                publish(session, steps)
            await page.until(lambda: page.news["step"]["steps"] == 19)
            assert len(page.frames) == 1
            assert session.frames.newest.version == 1, "nor was any rendered"

    ask(server, work)


def test_closing_tells_the_end_to_open_pages(session: Session) -> None:
    with Server(session) as server:

        async def work(client: Client) -> None:
            async with client.page() as page:
                await page.until(lambda: "state" in page.news)
                session.say("finished", "saved to out.png")
                closing = asyncio.to_thread(server.__exit__)
                ended = asyncio.create_task(closing)
                await page.until(lambda: page.news["state"] == "finished")
                await page.until(lambda: page.socket.closed)
                await ended

        ask(server, work)


def test_the_result_comes_last_and_whole_even_to_a_page_that_did_not_ask(
    session: Session,
) -> None:
    with Server(session) as server:

        async def work(client: Client) -> None:
            async with client.page() as page:
                await page.socket.send_json({"frame": [30, 20]})
                while session.frames.newest is None:
                    await asyncio.sleep(0.01)
                    publish(session, 1)
                await page.until(lambda: len(page.frames) == 1)
                session.finish(lambda _: Image.new("RGB", (640, 480), "gold"))
                session.say("finished", "saved to out.png")
                ended = asyncio.create_task(asyncio.to_thread(server.__exit__))
                await page.until(lambda: page.socket.closed)
                await ended
                sizes = [Image.open(io.BytesIO(frame)).size for frame in page.frames]
                assert sizes == [(30, 20), (640, 480)]

        ask(server, work)


def test_publishing_goes_on_after_the_server_is_closed(session: Session) -> None:
    with Server(session):
        pass
    publish(session, 1)


def test_painting_goes_on_when_the_page_is_closed(server: Server, session: Session) -> None:
    async def work(client: Client) -> None:
        async with client.page() as page:
            await page.socket.send_json({"frame": [30, 20]})
            await page.until(lambda: len(page.frames) == 1)
            assert session.has_pages
        seen = painter.steps
        while painter.steps < seen + 5:
            await asyncio.sleep(0.01)
        while session.has_pages:
            await asyncio.sleep(0.01)

    with Painter(session, 0.005) as painter:
        ask(server, work)


def test_a_missing_package_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    check_live()
    monkeypatch.setattr(server_module, "find_spec", lambda name: importlib.util.find_spec("none"))
    with pytest.raises(ConfigError, match=r"^--live needs aiohttp; pip install aiohttp$"):
        check_live()


def test_without_a_free_port_the_refusal_names_the_way_out(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket, "create_server", fail)
    with pytest.raises(ConfigError, match=r"Address already in use.*paint without it"):
        Server(session).__enter__()
