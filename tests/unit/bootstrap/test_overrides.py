"""Options of the command line in place of settings."""

from icu.bootstrap.overrides import with_port
from icu.config.settings import MonitorChild, Settings, SinkChild


def test_the_port_is_that_of_the_first_monitor() -> None:
    """Two cannot listen on one."""
    monitors = MonitorChild(id="monitor", port=8000), MonitorChild(id="monitor-2", port=8001)
    settings = with_port(Settings(child=(SinkChild(id="sink"), *monitors)), 9000)
    assert [each.port for each in settings.child] == [None, 9000, 8001]


def test_a_ward_without_a_monitor_has_no_port() -> None:
    """Its settings stay."""
    settings = Settings(child=(SinkChild(id="sink"),))
    assert with_port(settings, 9000) == settings
