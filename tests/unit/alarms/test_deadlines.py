"""Deadlines of many patients."""

from hypothesis import given
from hypothesis import strategies as st

from icu.alarms.bands import INFINITE
from icu.alarms.deadlines import Deadlines

KEYS = st.integers(1, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 30) | st.just(INFINITE)),
        st.tuples(st.just("forward"), KEYS, st.integers(1, 9)),
        st.tuples(st.just("remove"), KEYS, st.just(0)),
        st.tuples(st.just("look"), KEYS, st.integers(0, 5)),
    ),
    max_size=200,
)


@given(steps=STEPS)
def test_due_are_those_whose_time_has_come(steps: list[tuple[str, int, int]]) -> None:
    """At each look, all patients whose time has come are due, each once, and the next look is not later than the next
    of them."""
    deadlines, times, now = Deadlines(), dict[int, int](), 0
    for step, key, number in steps:
        if step == "put":
            times[key] = number
            deadlines.put(key, number)
        elif step == "forward" and key in times:
            # As an ordinary reading does: nobody says so.
            times[key] += number
        elif step == "remove":
            times.pop(key, None)
            deadlines.remove(key)
        elif step == "look":
            now += number
            assert deadlines.passed(now, times.__getitem__) == sorted(each for each in times if times[each] <= now)
        earliest = min(times.values(), default=INFINITE)
        assert (INFINITE if deadlines.next is None else deadlines.next) <= earliest


def test_entries_that_count_no_more_are_dropped() -> None:
    """A deadline that is moved again and again holds no memory, and after a look only true ones are due."""
    deadlines = Deadlines()
    for time in range(10_000):
        deadlines.put(1, 20_000 - time)
        deadlines.put(2, INFINITE)
    assert len(deadlines._heap) < 100
    assert deadlines.next == 10_001
    deadlines.put(1, INFINITE)
    assert deadlines.next is None


def test_a_deadline_that_moved_is_looked_at_again() -> None:
    """A patient whose time has moved forward is not due at the old one, and is at the new one."""
    deadlines = Deadlines()
    deadlines.put(1, 5)
    assert deadlines.passed(5, {1: 9}.__getitem__) == []
    assert deadlines.next == 9
    assert deadlines.passed(9, {1: 9}.__getitem__) == [1]
