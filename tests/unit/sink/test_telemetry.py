"""Metrics of the sink, and its readiness."""

from prometheus_client import CollectorRegistry

from icu.messages import Delivery, Refusal
from icu.sink.telemetry import Telemetry
from icu.store.writing.requests import WriteRequest, WriteResult
from tests.samples import START, delivery, observation
from tests.stores import observed


def test_a_sink_waits_until_it_says_otherwise() -> None:
    """A sink is not ready before it has opened its database, and whenever it reports trouble."""
    telemetry = Telemetry(CollectorRegistry())
    assert telemetry.trouble == "the sink has not started yet"
    telemetry.set_trouble(None)
    assert telemetry.trouble is None


def test_figures_of_one_transaction() -> None:
    """A transaction counts its refused records, and its age is that of its newest reading."""
    registry = CollectorRegistry()
    refusal = Refusal(Delivery(0, 3, None, b"?"), "malformed", "no JSON")
    came = [observation(0), observation(2), observation(1)]
    request = WriteRequest(observed(*came), [delivery(each) for each in came], [refusal], [])
    refused = Telemetry(registry).count_stored(
        request, WriteResult(2, 1, [refusal], expired=3), now=START.timestamp() + 10
    )
    assert refused == {"malformed": 1}
    figures = {
        "stored_total": 2,
        "duplicates_total": 1,
        "expired_total": 3,
        "batch_records_sum": 4,
        "reading_age_seconds_count": 1,
        "reading_age_seconds_sum": 8,
    }
    assert {name: registry.get_sample_value(f"icu_sink_{name}") for name in figures} == figures
    assert registry.get_sample_value("icu_sink_dead_letters_total", {"reason": "malformed"}) == 1
