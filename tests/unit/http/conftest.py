"""All HTTP faces of a ward, and the patients behind them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from icu.http import asgi
from icu.patient.beds import Beds
from tests.bedsides import beds_of
from tests.faces import Face, serving_ward


@pytest.fixture
def h11(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser that accepts unknown methods; httptools refuses them itself."""
    monkeypatch.setattr(asgi, "AutoHTTPProtocol", H11Protocol)


@pytest.fixture
def one() -> Beds:
    """One patient with a port of her own."""
    return beds_of(["Anna"])


@pytest.fixture
def many() -> Beds:
    """Several patients who share a port."""
    return beds_of(["Anna", "Boris"])


@pytest.fixture
async def faces(tmp_path: Path, one: Beds, many: Beds) -> AsyncIterator[list[Face]]:
    """All faces of the ward, on loopback."""
    async with serving_ward(tmp_path, one=one, many=many) as faces:
        yield faces
