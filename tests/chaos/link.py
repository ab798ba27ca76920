"""A link to a server on loopback, which is cut and held up: a port that forwards connections."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from typing import Any

from tests.ports import free_port

# Bytes in one piece.
PIECE = 65_536


class Link:
    """Link that forwards, once it is started, in a thread of its own until it is closed.

    Args:
        target: Port of the server.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._server: asyncio.Server | None = None
        self._under_way = set[asyncio.Task[None]]()
        self._passes = asyncio.Event()
        self._passes.set()
        self._thread.start()

    def start(self) -> None:
        """Mend it."""
        self._await(self._open())

    def kill(self) -> None:
        """Cut it: connections end at once, and new ones are refused."""
        self._await(self._cut())

    def stop(self) -> None:
        raise NotImplementedError

    def suspend(self) -> None:
        """Hold up all that is sent. Connections stay."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def resume(self) -> None:
        """Pass it on."""
        self._loop.call_soon_threadsafe(self._passes.set)

    def close(self) -> None:
        """Cut it for ever."""
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for each in self._under_way:
            each.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        writers = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, far_writer))
                group.create_task(self._pass_on(far_reader, writer))
        except asyncio.CancelledError:
            for each in writers:
                each.transport.abort()
        except (OSError, ExceptionGroup):
            pass  # a server that is away, or an end of the connection
        finally:
            for each in writers:
                each.close()
            self._under_way.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on until one side ends, which ends the other."""
        while piece := await reader.read(PIECE):
            await self._passes.wait()
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError
