"""A wire between the gateways and the sandbox that can hold back what the sandbox says.

It passes bytes as they are, so nothing on either end can tell that it is there. While replies are
held, the channel has done what it was asked for and the gateway does not know: the window that no
script of the sandbox can keep open for every kind of request.
"""

import asyncio
import contextlib

from tests.processes import free_port

CHUNK_BYTES = 64 * 1024


class Line:
    """Relays connections to one address of this machine."""

    def __init__(self) -> None:
        self.port = free_port()
        self.held = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._target_port = 0
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where gateways find the channel."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, target_port: int) -> None:
        """Begin to relay."""
        self._target_port = target_port
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Cut everything."""
        if self._server:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def hold_replies(self) -> None:
        """Keep back everything that the channel says from now on."""
        self.held = 0
        self._flowing.clear()

    def release_replies(self) -> None:
        """Let what was kept back go on, and everything after it."""
        self._flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        with contextlib.suppress(OSError):
            await self._relay(reader, writer)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._pump(reader, back, holds=False)),
            asyncio.create_task(self._pump(there, writer, holds=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, back):
                end.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, holds: bool
    ) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if holds and not self._flowing.is_set():
                self.held += 1
                await self._flowing.wait()
            writer.write(chunk)
            await writer.drain()
