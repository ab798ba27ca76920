"""The figures of one HTTP face: those of its role, of its requests, and its readiness."""

from collections.abc import Callable
from functools import cache
from http import HTTPMethod
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from icu.http.health import Health

_METHODS: Final = frozenset(HTTPMethod)

# Where the state of a request keeps the moment of its arrival.
_BEGAN: Final = "icu.began"

# Seconds. An answer from memory takes under a millisecond, a page of 10,000 readings a tenth of a second.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """What `/metrics` of a face shows. `role` holds what its role counts; `clock` tells seconds."""

    def __init__(self, role: CollectorRegistry, health: Health, clock: Callable[[], float]) -> None:
        # A registry of its own: the same role may be built again in a process, and a figure can be registered only
        # once.
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
        # To find a series by its labels takes as long as all else that is done here.
        self._series = cache(
            lambda method, path, status: (
                self._requests.labels(method, path, status),
                self._durations.labels(method, path),
            )
        )

    async def text(self) -> bytes:
        """The text format 0.0.4 of Prometheus. Readiness is asked for at each scrape, as `/health/ready` does."""
        report = await self._health.report()
        self._ready.set(report.status == "ok")
        return b"".join(generate_latest(each) for each in self._registries)

    async def count(self, message: Message, scope: Scope) -> None:
        """Count an answer that begins, and the time that it took."""
        if message["type"] == "http.response.start":
            # The template, not the path, and no method that is unknown: clients must not be able to make labels.
            path = scope.get("path_template") or "none"
            asked = scope["method"]  # type: ignore[typeddict-item] # HTTP scopes only
            method = asked if asked in _METHODS else "other"
            requests, durations = self._series(method, path, message["status"])
            requests.inc()
            durations.observe(self._clock() - scope["state"][_BEGAN])

    def noting_arrival(self, app: ASGIApp) -> ASGIApp:
        """The application, each of whose requests knows when it came."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"][_BEGAN] = self._clock()
            await app(scope, receive, send)

        return answer
