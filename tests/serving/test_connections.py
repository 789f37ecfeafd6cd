"""HTTP on a socket: requests in pieces, in rows, broken and cut short."""

import asyncio
import contextlib
import json
import threading

import pytest
import uvicorn
from uvicorn.server import ServerState

from arborank.serving.connections import Connection, close_overdue

RANK = b"POST /v1/models/fruit/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def rank(text="appleish", **more):
    body = json.dumps({"text": text, **more}).encode()
    return RANK + b"content-length: %d\r\n\r\n%s" % (len(body), body)


async def read(reader, method="GET"):
    """Return status, headers and body of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = b"" if method == "HEAD" else await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), headers, body


@pytest.fixture
def talk(serve):
    """Return a function that runs a conversation with a service: a coroutine function of reader and writer."""

    def started(conversation, ask=None):
        ask = ask or serve()

        async def run():
            state = ServerState()
            config = uvicorn.Config(ask.app, ws="none", log_config=None, access_log=False)
            options = {"config": config, "server_state": state, "app_state": {}, "most": 10, "arrival": 10}
            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: Connection(**options), "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await asyncio.wait_for(conversation(reader, writer, state), 60)
            finally:
                writer.close()
                server.close()

        return ask.runner.run(run())

    return started


def test_requests_in_a_row_are_answered_in_order(talk, ranker):
    async def conversation(reader, writer, state):
        texts = ["appleish", "vanish", "w1 w2"] * 20
        writer.write(b"".join(rank(text) + HEALTH for text in texts) + rank(texts=texts, text=None))
        for text in texts:
            status, _, body = await read(reader)
            found = [
                (one["label"], pytest.approx(one["score"], abs=1e-6)) for one in json.loads(body)["labels"]
            ]
            assert (status, found) == (200, ranker.rank(text))
            assert (await read(reader))[2] == b'{"status":"alive"}'
        assert len(json.loads((await read(reader))[2])["results"]) == 60

    talk(conversation)


def test_whoever_does_not_read_is_closed(talk):
    async def conversation(reader, writer, state):
        writer.write(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 2000)
        while not state.connections:
            await asyncio.sleep(0)
        (connection,) = state.connections
        while not connection.flow.write_paused:
            await asyncio.sleep(0)
        assert connection.transport.get_write_buffer_size() < 1 << 20
        now = asyncio.get_running_loop().time()
        close_overdue(state.connections, now + 9)
        assert state.connections
        close_overdue(state.connections, now + 60)
        while state.connections or state.tasks:
            await asyncio.sleep(0)

    talk(conversation)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_requests_come_in_pieces(talk, size):
    async def conversation(reader, writer, state):
        chunked = RANK + b'transfer-encoding: chunked\r\n\r\n4\r\n{"te\r\nd\r\nxt": "apple"}\r\n0\r\n\r\n'
        content = rank() + chunked
        for start in range(0, len(content), size):
            writer.write(content[start : start + size])
            await asyncio.sleep(0)
        for _ in range(2):
            status, _, body = await read(reader)
            assert status == 200, body

    talk(conversation)


def test_bodies_are_sent_once_they_are_asked_for(talk):
    async def conversation(reader, writer, state):
        head, body = rank().split(b"\r\n\r\n")
        writer.write(head + b"\r\nexpect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await read(reader))[0] == 200
        writer.write(head.replace(b"fruit", b"plum") + b"\r\nexpect: 100-continue\r\n\r\n")
        assert (await read(reader))[0] == 404
        writer.write(b" " * len(body) + HEALTH)  # the body of what is answered already counts for nothing
        assert (await read(reader))[0] == 200

    talk(conversation)


def test_heads_alone(talk):
    async def conversation(reader, writer, state):
        writer.write(b"HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" + HEALTH)
        status, headers, _ = await read(reader, "HEAD")
        assert (status, int(headers["content-length"]) > 100) == (200, True)
        assert (await read(reader))[2] == b'{"status":"alive"}'
        tag = None
        for _ in range(2):
            more = b"" if tag is None else b"if-none-match: %s\r\n" % tag.encode()
            writer.write(b"GET /v1/models/fruit/rank?q=a HTTP/1.1\r\nhost: x\r\n" + more + b"\r\n")
            status, headers, body = await read(reader)
            tag = headers["etag"]
        assert (status, "content-length" in headers, body) == (304, False, b"")

    talk(conversation)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (HEALTH.replace(b"host: x", b"host: x\r\nconnection: close"), 200),
        (b"GET http://x/healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 200),
        (b"GET /%68ealthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 200),
        (b"GET /healthz?a=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 422),
        (b"hello\r\n\r\n", 400),
        (b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n", 400),
        (RANK + b"transfer-encoding: chunked\r\n\r\nno number\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nlong: " + b"a" * 500_000, 400),
    ],
)
def test_what_ends_a_connection(talk, request_, status):
    async def conversation(reader, writer, state):
        writer.write(HEALTH)
        assert (await read(reader))[0] == 200
        writer.write(request_)
        found, headers, body = await read(reader)
        assert (found, headers["connection"]) == (status, "close"), body
        with contextlib.suppress(ConnectionResetError):  # where something was not read any more
            assert await reader.read() == b""

    talk(conversation)


def test_clients_that_leave_are_forgotten(serve, talk):
    ask = serve()

    async def conversation(reader, writer, state):
        writer.write(RANK + b"content-length: 100\r\n\r\n{")
        while not state.tasks:  # it waits for the rest
            await asyncio.sleep(0)
        writer.close()
        while state.connections or state.tasks:
            await asyncio.sleep(0.01)

    talk(conversation, ask)
    assert 'status="499"} 1.0' in ask("GET", "/metrics").text
    assert ask.app.work.in_flight == 0


def test_an_end_waits_for_what_has_begun(serve, talk):
    ask, let = serve(), threading.Event()
    kind = ask.app.slots.find("fruit").served.kind
    ranked = kind.ranked
    kind.ranked = lambda items, body: let.wait(20) and ranked(items, body)

    async def conversation(reader, writer, state):
        writer.write(rank(texts=["a", "b"], text=None))
        while not state.tasks:
            await asyncio.sleep(0.01)
        (connection,) = state.connections
        connection.shutdown()
        let.set()
        status, headers, _ = await read(reader)
        assert (status, headers["connection"]) == (200, "close")
        assert await reader.read() == b""

    talk(conversation, ask)


def test_an_end_closes_what_is_idle_or_late(talk):
    async def conversation(reader, writer, state):
        writer.write(HEALTH)
        assert (await read(reader))[0] == 200
        loop = asyncio.get_running_loop()
        close_overdue(state.connections, loop.time() + 4)
        assert len(state.connections) == 1
        (connection,) = state.connections
        before = connection.overdue
        writer.write(rank()[:-1])  # late, of which all but the end has come
        while connection.overdue == before:
            await asyncio.sleep(0)
        close_overdue(state.connections, loop.time() + 9)
        assert len(state.connections) == 1
        close_overdue(state.connections, loop.time() + 11)
        assert await reader.read() == b""

    talk(conversation)

    async def ended(reader, writer, state):
        writer.write(HEALTH)
        await read(reader)
        next(iter(state.connections)).shutdown()
        assert await reader.read() == b""

    talk(ended)
