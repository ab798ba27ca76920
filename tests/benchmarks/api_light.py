"""Latency of a light request beside heavy ones: no heavy request may block the event loop."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from statistics import median, quantiles
from typing import Final
from uuid import UUID

from tests.benchmarks.load import Server, request, watch

# Readings on the pages of the heavy clients.
HEAVY: Final = 10_000
CLIENTS: Final = 2
SECONDS: Final = 4.0


def main(servers: Mapping[str, Server], uuids: Sequence[UUID], rounds: int) -> None:
    """Print the latency of /health/live, alone and beside pages of 10,000 (goal: p99 20 ms)."""
    light = request("/health/live")
    pages = cycle([request(f"/patient/{uuid}/metrics?limit={HEAVY}") for uuid in uuids])
    print(f"\n/health/live, beside {CLIENTS} clients that take pages of {HEAVY:,}; ms, medians of rounds (range)")
    found: dict[tuple[str, int], list[list[float]]] = {}
    for _ in range(rounds):
        for name, server in servers.items():
            for clients in (0, CLIENTS):
                delays = watch(server.port, light, pages, clients=clients, seconds=SECONDS)
                found.setdefault((name, clients), []).append(delays)
    for (name, clients), laps in found.items():
        print(f"{name:38} {'beside them' if clients else 'alone':12} {percentile(laps, 50)}   {percentile(laps, 99)}")


def percentile(laps: Sequence[Sequence[float]], which: int) -> str:
    """Return a percentile of all rounds."""
    figures = [quantiles(each, n=100, method="inclusive")[which - 1] for each in laps]
    return f"p{which} {median(figures):6.1f} ({min(figures):.1f} to {max(figures):.1f})"
