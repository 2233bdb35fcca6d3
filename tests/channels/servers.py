"""Servers that misbehave on purpose, byte by byte: what a real channel's worst day looks like."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

FOR_EVER_S = 30.0
"""Longer than any test waits, in seconds."""


@dataclass
class Server:
    """One that runs: its URL, and the raw requests that reached it."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request with its body, as it came."""
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        length = 0
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        whole = head + await reader.readexactly(length)
        self.requests.append(whole)
        return whole


@asynccontextmanager
async def serving(behave: Callable[[Server], Behave]) -> AsyncIterator[Server]:
    """Run a server on a free port of this machine; its connections end with the block."""
    running = Server()
    tasks: set[asyncio.Task[None]] = set()
    act = behave(running)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        running.connections += 1
        try:
            await act(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


def answering(*answers: bytes) -> Callable[[Server], Behave]:
    """Answer the requests of each connection in turn with these bytes, then close it."""

    def behave(server: Server) -> Behave:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                await server.request(reader)
                writer.write(answer)
                await writer.drain()

        return act

    return behave


def silent_after(beginning: bytes = b"", *, reads: bool = True) -> Callable[[Server], Behave]:
    """Begin an answer, or none, and never go on."""

    def behave(server: Server) -> Behave:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if reads:
                await server.request(reader)
            writer.write(beginning)
            await asyncio.sleep(FOR_EVER_S)

        return act

    return behave


def resetting(*answers: bytes) -> Callable[[Server], Behave]:
    """Answer in turn, then cut the connection with a reset once the next request is there."""

    def behave(server: Server) -> Behave:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                await server.request(reader)
                writer.write(answer)
                await writer.drain()
            await server.request(reader)
            at_once = struct.pack("ii", 1, 0)
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

        return act

    return behave


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole HTTP answer."""
    lines = (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
