"""The first lines of a ward's log, which say where to look."""

from pathlib import Path

from msgspec.structs import replace

from icu.cli.welcome import where_to_look
from icu.config.api import Api
from icu.config.settings import Database, MonitorChild, Settings, SinkChild

WARD = Settings(child=(SinkChild(), MonitorChild(port=8001, host="::1")), api=Api(prefix="/api/v1"))


def test_addresses_can_be_clicked() -> None:
    """Addresses are complete: the API's has the prefix, its description's has not, and IPv6 has brackets."""
    page, api, *_ = where_to_look(WARD, None)
    assert page == "the ward, in a browser: http://[::1]:8001/"
    assert api == "the API: http://[::1]:8001/api/v1/patients, described at http://[::1]:8001/schema"


def test_the_command_finds_the_ward() -> None:
    """The printed command works in any folder where there is a settings file, and in this one where there is none."""
    *_, built_in, _ = where_to_look(WARD, None)
    assert built_in == "how the ward is, from another terminal in this folder: python -m icu status"
    *_, other, _ = where_to_look(WARD, Path("/a ward/supervisor.toml"))
    assert other.endswith("terminal: python -m icu status --config '/a ward/supervisor.toml'")


def test_a_ward_without_an_api() -> None:
    """A ward without an API prints only the other lines."""
    assert len(list(where_to_look(Settings(child=(SinkChild(),)), None))) == 2


def test_no_password_is_shown() -> None:
    """No password of a URL is printed, for logs are copied into reports."""
    *_, database = where_to_look(replace(WARD, database=Database("postgresql://icu:se@cret@db:5432/icu")), None)
    assert database == "the database: postgresql://icu@db:5432/icu"
