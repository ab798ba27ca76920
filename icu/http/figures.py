"""The Prometheus metrics of one HTTP face: those of its role and its requests, and its readiness."""

from collections.abc import Callable
from functools import cache
from http import HTTPMethod
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from icu.http.health import Health

_METHODS: Final = frozenset(HTTPMethod)

# The key of the time of arrival in the state of a request.
_ARRIVED_AT: Final = "icu.began"

# Seconds. A response from memory takes under a millisecond, a page of 10,000 readings a tenth of a second.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """The metrics behind `/metrics`."""

    def __init__(self, role: CollectorRegistry, health: Health, clock: Callable[[], float]) -> None:
        """Register the metrics of a face.

        Args:
            role: The registry with the metrics of the role.
            health: The checks behind `icu_ready`.
            clock: Seconds, for durations.
        """
        # A registry of its own, since a metric can be registered only once, and a process may build a role again.
        own = CollectorRegistry()
        self._registries = role, own
        self._health = health
        self._clock = clock
        self._ready = Gauge("icu_ready", "1 while /health/ready answers with 200", registry=own)
        self._requests = Counter("icu_http_requests", "Requests answered", ["method", "path", "status"], registry=own)
        self._durations = Histogram(
            "icu_http_request_duration_seconds",
            "From the arrival of a request to the first byte of its answer; of a stream, to its beginning",
            ["method", "path"],
            buckets=_BUCKETS,
            registry=own,
        )
        # Cached, since finding a series by its labels takes as long as all other work of `count`.
        self._series = cache(
            lambda method, path, status: (
                self._requests.labels(method, path, status),
                self._durations.labels(method, path),
            )
        )

    async def text(self) -> bytes:
        """Render Prometheus' text format 0.0.4. Each call runs the checks, as `/health/ready` does."""
        report = await self._health.report()
        self._ready.set(report.status == "ok")
        return b"".join(generate_latest(each) for each in self._registries)

    async def count(self, message: Message, scope: Scope) -> None:
        """Count a response when it begins, and observe its duration so far."""
        if message["type"] == "http.response.start":
            # The template of the path, and known methods only: clients must not be able to make up labels.
            path = scope.get("path_template") or "none"
            asked = scope["method"]  # type: ignore[typeddict-item] # HTTP scopes only
            method = asked if asked in _METHODS else "other"
            requests, durations = self._series(method, path, message["status"])
            requests.inc()
            durations.observe(self._clock() - scope["state"][_ARRIVED_AT])

    def noting_arrival(self, app: ASGIApp) -> ASGIApp:
        """Middleware that keeps the time of arrival in the state of each request."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"][_ARRIVED_AT] = self._clock()
            await app(scope, receive, send)

        return answer
