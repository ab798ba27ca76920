"""Commands of people are taken on loopback alone, as long as there are no keys."""

from pathlib import Path

import httpx
import pytest

from icu.patient.patients import EmulatedPatients
from tests.faces import Face, serving_ward

BODY = {"by": "Anna", "seconds": 5}


async def silence(face: Face, server: str) -> httpx.Response:
    """Command over a connection to this address, as an ASGI server states it."""
    transport = httpx.ASGITransport(face.app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{server}") as client:
        return await client.post("/ward/silence", json=BODY)


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 503), ("[::1]", 503), ("192.168.1.5", 403)])
async def test_under_a_foreign_server_the_connection_decides(faces: list[Face], address: str, status: int) -> None:
    """A command that came in over loopback gets as far as the database, which is not there; others are refused."""
    answer = await silence(faces[0], address)
    assert answer.status_code == status
    if status == 403:
        assert "loopback" in answer.json()["detail"]


async def test_a_server_that_others_can_reach_takes_none(
    tmp_path: Path, one: EmulatedPatients, many: EmulatedPatients
) -> None:
    """A monitor bound beyond loopback refuses all commands, those from its own machine too; it serves what it reads."""
    async with serving_ward(tmp_path, one=one, many=many, host="0.0.0.0") as faces:  # noqa: S104 - told, not done
        answer = await faces[0].client.post("/ward/silence", json=BODY)
        assert (answer.status_code, "there are no keys yet" in answer.json()["detail"]) == (403, True)
        assert (await faces[0].client.get("/limits")).status_code == 503
