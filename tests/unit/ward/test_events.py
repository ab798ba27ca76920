"""Supervisor events as log fields and metrics."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.supervisor.errors import ProcessEndedError
from icu.supervisor.events import ChildFailed, ChildRestarting
from icu.supervisor.view import ChildState, ChildView
from icu.transports.kafka.errors import KafkaError
from icu.ward.events import ChildFigures, Restarts, log_event

REASONS = [
    (ProcessEndedError(78, "icu: no such file"), "exit-78"),
    (ProcessEndedError(-9, ""), "SIGKILL"),
    (KafkaError("away"), "KafkaError"),
]


Figures = Callable[..., float | None]


@pytest.fixture
def children() -> list[ChildView]:
    """Children of the ward, for tests to change."""
    return [
        ChildView("sink", ChildState.RUNNING),
        ChildView("beds", ChildState.RUNNING, uptime=7.0, children=(ChildView("bed-1", ChildState.BACKOFF),)),
    ]


@pytest.fixture
def restarts() -> Restarts:
    """Counts without a restart."""
    return Restarts()


@pytest.fixture
def figure(children: list[ChildView], restarts: Restarts) -> Figures:
    """Value of a metric by name and labels, as a scrape finds it; None without such a series."""
    registry = CollectorRegistry()
    registry.register(ChildFigures(lambda: children, restarts))
    return lambda name, **labels: registry.get_sample_value(name, labels)


@pytest.mark.parametrize(("error", "reason"), REASONS)
def test_a_death_says_in_a_word_why(error: Exception, reason: str, restarts: Restarts, figure: Figures) -> None:
    """The reason stands in the records of death and restart, and in the metrics."""
    records: list[dict[str, Any]] = []
    logger.add(lambda message: records.append(message.record["extra"]))
    for event in (ChildFailed("bed-1", error, 1.5), ChildRestarting("bed-1", 0.25, error)):
        log_event(event)
        restarts(event)
    assert records == [
        {"child": "bed-1", "event": "death", "reason": reason, "uptime": 1.5},
        {"child": "bed-1", "event": "restart", "reason": reason, "delay": 0.25},
    ]
    assert figure("icu_child_restart_reasons_total", child="bed-1", reason=reason) == 1


def test_restarts_are_0_before_the_first(restarts: Restarts, figure: Figures) -> None:
    """A counter that begins at 1 hides the first restart from `increase`. Supervisors have one too."""
    assert [figure("icu_child_restarts_total", child=each) for each in ("sink", "beds", "bed-1")] == [0, 0, 0]
    for error in (ValueError(), None, ValueError()):
        restarts(ChildRestarting("bed-1", 0.25, error))
    assert [figure("icu_child_restarts_total", child=each) for each in ("sink", "beds", "bed-1")] == [0, 0, 3]
    by_reason = [
        figure("icu_child_restart_reasons_total", child="bed-1", reason=each) for each in ("ValueError", "ended")
    ]
    assert by_reason == [2, 1]


def test_a_child_has_a_figure_for_each_state(figure: Figures) -> None:
    """The current state is 1 and all others are 0, so that an alert sees a change."""
    for child, current in (("sink", "running"), ("beds", "running"), ("bed-1", "backoff")):
        shown = {state: figure("icu_child_state", child=child, state=str(state)) for state in ChildState}
        assert shown == {state: float(state == current) for state in ChildState}
    assert figure("icu_child_uptime_seconds", child="beds") == 7.0


def test_a_child_that_was_removed_has_no_figures(
    children: list[ChildView], restarts: Restarts, figure: Figures
) -> None:
    """Metrics of a removed child end, or their last values would stay; a counter that comes back has not fallen."""
    restarts(ChildRestarting("bed-1", 0.25, ValueError()))
    [_, beds] = children
    children[1:] = [replace(beds, children=())]
    for name, labels in {
        "icu_child_state": {"state": "backoff"},
        "icu_child_uptime_seconds": {},
        "icu_child_restarts_total": {},
        "icu_child_restart_reasons_total": {"reason": "ValueError"},
    }.items():
        assert figure(name, child="bed-1", **labels) is None, name
    children[1:] = [beds]
    assert figure("icu_child_restarts_total", child="bed-1") == 1
