"""Orders at a patient's own port: output and exit codes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio.from_thread
import pytest

from icu.messages import uuid_of_name
from icu.patient.patients import EmulatedPatients
from tests.bedsides import patients_of, serving
from tests.unit.cli.conftest import Run

ANNA = uuid_of_name("Anna")


@pytest.fixture
def patients() -> EmulatedPatients:
    """Some patients, and a recorded one."""
    return patients_of(["Anna", "Anton", "Boris"], recorded=["Rec"])


@contextmanager
def serving_aside(patients: EmulatedPatients) -> Iterator[str]:
    """Their address, which a thread of its own serves."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(patients)) as url,
    ):
        yield url


@pytest.fixture
def url(icu: Run, patients: EmulatedPatients) -> Iterator[str]:
    """Their address."""
    with serving_aside(patients) as url:
        yield url


def ill(patients: EmulatedPatients) -> list[str]:
    """Patients in a scenario."""
    return [each.name for each in patients.identities if each.name != "Rec" and patients.truth(each.uuid).scenario]


@pytest.mark.parametrize(
    ("bed", "names"),
    [("Anna", ["Anna"]), (str(ANNA), ["Anna"]), ("An*", ["Anna", "Anton"])],
)
def test_who_is_meant(icu: Run, url: str, patients: EmulatedPatients, bed: str, names: list[str]) -> None:
    """A name, a uuid or a pattern; a line each."""
    assert icu("scenario", "--url", url, bed, "fever") == (0, "".join(f"{name}\n" for name in names), "")
    assert ill(patients) == names


def test_all_of_them(icu: Run, url: str, patients: EmulatedPatients) -> None:
    """The recording is refused in words, and the others get it: 3."""
    code, out, err = icu("scenario", "--url", f"{url}/", "beds", "fever")
    assert (code, out) == (3, "Anna\nAnton\nBoris\n")
    assert err.startswith("icu: Rec is a recording")
    assert ill(patients) == ["Anna", "Anton", "Boris"]


def test_one_alone_need_not_be_named(icu: Run, url: str) -> None:
    """A single patient need not be named; with several, an order without a name ends with 64."""
    code, out, err = icu("scenario", "--url", url, "fever")
    assert (code, out, err) == (64, "", "icu: there are 4 patients: say which, or `beds` for all\n")
    alone = patients_of(["Anna"])
    with serving_aside(alone) as other:
        assert icu("scenario", "--url", other, "fever") == (0, "Anna\n", "")
    assert ill(alone) == ["Anna"]


def test_refusals(icu: Run, url: str, patients: EmulatedPatients) -> None:
    """4 for nobody of that name, 64 for a scenario that there is not; one line each, and nothing has happened."""
    code, out, err = icu("scenario", "--url", url, "Ana", "fever")
    assert (code, out, err) == (4, "", "icu: no bed or patient is called Ana: did you mean Anna?\n")
    code, out, err = icu("scenario", "--url", url, "Anna", "fevre")
    assert (code, out) == (64, "")
    assert err.startswith("icu: there is no scenario 'fevre': choose one of bradycardia, ")
    assert err.count("\n") == 1
    assert ill(patients) == []


def hang_up(listener: socket.socket) -> None:
    """Accept a client, and close the connection."""
    listener.accept()[0].close()


def test_nobody_answers(icu: Run) -> None:
    """A port without a listener, or with one that closes the connection, ends with 75."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=hang_up, args=(listener,))
        thread.start()
        assert icu("scenario", "--url", url, "fever")[0] == 75
        thread.join()
    code, out, err = icu("scenario", "--url", url, "fever")
    assert (code, out) == (75, "")
    assert err.startswith(f"icu: nobody answers at {url}: Connection refused; start a patient there (python -m icu run")
    assert err.count("\n") == 1


def test_something_else_answers(icu: Run, url: str) -> None:
    """An address without patients ends with 64."""
    code, out, err = icu("scenario", "--url", f"{url}/api", "Anna", "fever")
    assert (code, out, err) == (64, "", f"icu: no patients are at {url}/api: it answers 404 to /patients\n")
