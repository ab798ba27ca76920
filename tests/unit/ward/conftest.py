"""Wards from a file, the fixture `path` of each module."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from icu.bootstrap.children import build_ward
from icu.bootstrap.shared import Shared
from icu.config.load import load
from icu.ward.processes import Processes
from icu.ward.tree import Ward


@pytest.fixture
def shared(path: Path) -> Shared:
    """Shared parts of the ward's roles."""
    return Shared(load(path, {}))


@pytest.fixture
def still(shared: Shared, path: Path) -> Ward:
    """A ward that does not run."""
    return build_ward(shared, Processes(), reread=lambda: load(path, {}))


@pytest.fixture
async def ward(still: Ward) -> AsyncIterator[Ward]:
    """A running ward."""
    async with anyio.create_task_group() as group:
        await group.start(still.children.root.run)
        yield still
        group.cancel_scope.cancel()
