"""A server that answers lines by a script: for what a real mail server cannot be made to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

Answer = Callable[[str], str | None]
"""What is answered to a line (CRLF is added to each line of it); None hangs up, "" is silence."""


@asynccontextmanager
async def line_server(greeting: str, answer: Answer) -> AsyncIterator[int]:
    """Listens on the port that it yields."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said: str | None = greeting
        try:
            while said is not None:
                writer.write("".join(f"{line}\r\n" for line in said.splitlines()).encode())
                line = await reader.readline()
                said = answer(line.decode().rstrip("\r\n")) if line else None
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*serving, return_exceptions=True)
