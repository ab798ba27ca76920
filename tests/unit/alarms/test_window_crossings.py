"""Times at which a sign becomes unavailable, or is again: against a search in steps of a millisecond."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.alarms import windows
from icu.alarms.windows import Window


@pytest.fixture(autouse=True)
def short_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels a thousandth as long, so that a search of all times is quick."""
    monkeypatch.setattr(windows, "LEVELS", ((30, 60), (120, 180)))


def searched(window: Window, at: int, tiers: int) -> int | None:
    """The first time with another level: none is later than the longest window from now."""
    now = window.tier(at, 0, tiers)
    return next((time for time in range(at + 1, at + 400) if window.tier(time, 0, tiers) != now), None)


@given(
    st.lists(st.integers(1, 70), min_size=1, max_size=12),
    st.booleans(),
    st.integers(0, 100),
    st.integers(1, 2),
)
def test_the_next_change_is_the_first(lengths: list[int], blind: bool, later: int, tiers: int) -> None:
    """Any blindness before, blind or not now, at any time since."""
    edges = list(accumulate(lengths, initial=0))
    spans = tuple(pairwise(edges))[::2]
    window = Window(spans, since=edges[-1] + 3 if blind else None)
    at = edges[-1] + 3 + later
    assert window.next_change(at, 0, tiers) == searched(window, at, tiers)


def test_a_window_that_was_blind_just_long_enough() -> None:
    """It is seen again as soon as the first of 30 ms has left the last 60, and not a step before."""
    window = Window(((100, 130),))
    assert window.next_change(130, 0, 1) == 161


def test_a_level_at_the_real_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign that was blind for exactly 30 s: one computation, where a search took 30,000 steps."""
    monkeypatch.undo()
    asked: list[int] = []
    blind = Window.blind
    monkeypatch.setattr(Window, "blind", lambda *given: asked.append(1) or blind(*given))
    assert Window(((100_000, 130_000),)).next_change(130_000, 5_000, 2) == 160_001
    assert len(asked) < 20
