"""Property tests without judgements of time."""

from hypothesis import HealthCheck, settings


def test_properties_have_no_deadline() -> None:
    """A busy machine fails no property: hypothesis neither limits the time of an example, nor that of making them."""
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
