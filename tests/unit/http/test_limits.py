"""The guard of the cap, which every request passes."""

from inspect import iscoroutinefunction

from icu.http.limits import within_cap


def test_the_guard_needs_no_thread() -> None:
    """Litestar runs what is not async in a thread, for each request, which takes longer than a small one itself."""
    assert iscoroutinefunction(within_cap)
