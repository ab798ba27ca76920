"""All HTTP faces of a ward, and the patients behind them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from icu.http import asgi
from icu.patient.patients import EmulatedPatients
from tests.bedsides import patients_of
from tests.faces import Face, serving_ward


@pytest.fixture
def h11(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser that accepts unknown methods; httptools refuses them itself."""
    monkeypatch.setattr(asgi, "AutoHTTPProtocol", H11Protocol)


@pytest.fixture
def one() -> EmulatedPatients:
    """A patient with a port of her own."""
    return patients_of(["Anna"])


@pytest.fixture
def many() -> EmulatedPatients:
    """Patients who share a port."""
    return patients_of(["Anna", "Boris"])


@pytest.fixture
async def faces(tmp_path: Path, one: EmulatedPatients, many: EmulatedPatients) -> AsyncIterator[list[Face]]:
    """All faces of their ward, on loopback."""
    async with serving_ward(tmp_path, one=one, many=many) as faces:
        yield faces
