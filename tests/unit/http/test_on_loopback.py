"""A ward without keys serves its own machine alone, however it is reached."""

from pathlib import Path

import httpx
import pytest
from anyio import to_thread

from icu.bootstrap.database import upgrade_database
from icu.config.errors import ConfigurationError
from icu.config.settings import Database, Settings
from icu.patient.patients import EmulatedPatients
from tests.faces import Face, serving_ward

BODY = {"by": "Anna", "seconds": 5}


async def silence(face: Face, server: str, host: str) -> httpx.Response:
    """Command over a connection to this address, as an ASGI server states it."""
    transport = httpx.ASGITransport(face.app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{server}") as client:
        return await client.post("/ward/silence", json=BODY, headers={"Host": host})


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 503), ("[::1]", 503), ("192.168.1.5", 403)])
async def test_under_a_foreign_server_the_connection_decides(faces: list[Face], address: str, status: int) -> None:
    """A command that came in over loopback gets as far as the database, which is not there; others are refused."""
    answer = await silence(faces[0], address, "localhost")
    assert answer.status_code == status
    if status == 403:
        assert "python -m icu keys add" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-user", "Via", "X-Real-IP"]
)
@pytest.mark.parametrize("path", ["/", "/session", "/patients", "/health/live", "/metrics", "/schema"])
async def test_no_proxy_makes_it_public(faces: list[Face], header: str, path: str) -> None:
    """A request through a proxy is refused with the line to type, on each route."""
    answer = await faces[0].client.get(path, headers={header: "10.0.0.7"})
    assert (answer.status_code, "python -m icu keys add" in answer.json()["detail"]) == (403, True)


async def test_a_server_that_others_can_reach_does_not_start(
    tmp_path: Path, one: EmulatedPatients, many: EmulatedPatients
) -> None:
    """A monitor bound beyond loopback ends with the line to type, unless it is said to be open."""
    await to_thread.run_sync(upgrade_database, Settings(database=Database(f"sqlite:///{tmp_path / 'icu.db'}")))
    with pytest.raises(BaseExceptionGroup) as caught:
        async with serving_ward(tmp_path, one=one, many=many, host="0.0.0.0", insecure=False):  # noqa: S104 - told, not done
            pytest.fail("it serves")
    [error] = leaves(caught.value)
    assert isinstance(error, ConfigurationError)
    assert "python -m icu keys add" in str(error)
    async with serving_ward(tmp_path, one=one, many=many, host="0.0.0.0", insecure=True) as faces:  # noqa: S104 - told, not done
        assert (await faces[0].client.post("/ward/silence", json=BODY)).status_code == 200


def leaves(error: BaseException) -> list[BaseException]:
    """Return the errors of nested groups."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for each in error.exceptions for leaf in leaves(each)]
