"""A database that exists, for commands that look at it once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from icu.store import schema
from icu.store.engines.base import Connection, Engine


@asynccontextmanager
async def connected(engine: Engine) -> AsyncIterator[Connection]:
    """Open a connection for reading, and close all of the engine's at the end.

    Raises:
        SchemaError: There is no database.
        ConfigurationError: There can be none.
    """
    try:
        async with engine.connection(await schema.find(engine)) as connection:
            yield connection
    finally:
        await engine.aclose()
