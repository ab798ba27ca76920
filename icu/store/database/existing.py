"""A database that exists, for commands that look at it once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from icu.store.engines.base import Connection, Engine
from icu.store.errors import SchemaError


@asynccontextmanager
async def connected(engine: Engine) -> AsyncIterator[Connection]:
    """Open a connection for reading, and close all of the engine's at the end.

    Raises:
        SchemaError: There is no database.
        ConfigurationError: There can be none.
    """
    try:
        identity = await engine.identity()
        if identity is None:
            raise SchemaError(f"there is no database {engine.location} yet: start the sink (python -m icu supervise)")
        async with engine.connection(identity) as connection:
            yield connection
    finally:
        await engine.aclose()
