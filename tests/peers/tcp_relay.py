"""A wire between a client and a server, which can be cut, or go dead without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class TcpRelay:
    """Get one from `relay`. While `dead`, what is sent goes nowhere, and nobody is told."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.connections = 0
        self.dead = False
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client has come."""
        self.connections += 1
        self._writers.add(writer)
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(back)
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if not self.dead:
                    writer.write(data)
        writer.close()

    def cut(self) -> None:
        """Ends every connection at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def end(self) -> None:
        """Cuts, and returns when nothing is left."""
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)


@asynccontextmanager
async def relay(target: int) -> AsyncIterator[TcpRelay]:
    """A wire to the port `target` of this machine."""
    wire = TcpRelay(target)
    server = await asyncio.start_server(wire.begin, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.end()
