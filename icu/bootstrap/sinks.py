"""Rules about several sinks: the database and the transport say if there may be several, and each needs a name."""

import socket
from collections.abc import Iterator, Sequence

from icu.config.groups import instances
from icu.config.settings import Settings, SinkChild


def mistakes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Find sinks that the database or the transport do not allow beside each other.

    Yields:
        The place of each mistake, for instance `child[2].role`, and its description.
    """
    sinks = [(position, each) for position, each in enumerate(settings.child) if isinstance(each, SinkChild)]
    named = [position for position, each in sinks if each.member is not None]
    several = sum(each.count or 1 for _, each in sinks) > 1
    if not several and not named:
        return
    reason = reason_for_one(settings)
    if reason is None:
        yield from _without_process(sinks) if several else ()
        yield from _namesakes(sinks)
        return
    for position, each in sinks:
        if (each.count or 1) > 1:
            yield f"child[{position}].count", f"{reason}, so there is one sink"
    for position, _ in sinks[1:]:
        yield f"child[{position}].role", f"{reason}, so there is one sink: remove this one"
    for position in named:
        yield f"child[{position}].member", f"{reason}, so there is one sink, without a name among others: remove this"


def reason_for_one(settings: Settings) -> str | None:
    """Return the reason, as a clause, why there is only one sink; None if several may share topic and database."""
    # Imported late: the command line needs it for few commands.
    from icu.store.engines.table import engine_of

    reason = engine_of(settings.database.url).single_sink
    if reason is None and settings.transport.kind == "memory":
        return 'the in-memory topic has one reader, and several share one of Kafka (kind = "kafka" below [transport])'
    return reason


def member_of(settings: Settings, child: SinkChild) -> str | None:
    """Return the name of a sink among those that share the topic; None for a single one."""
    if reason_for_one(settings) is not None:
        return None
    # Stable over restarts, by which the broker knows it again; and two hosts both have a `sink-1`.
    return child.member or f"{settings.ward.name}@{socket.gethostname()}/{child.id}"


def _without_process(sinks: Sequence[tuple[int, SinkChild]]) -> Iterator[tuple[str, str]]:
    for position, each in sinks:
        if not each.process:
            place = "role" if each.count is None else "count"
            yield f"child[{position}].{place}", "several sinks need a process each: write process = true in this table"


def _namesakes(sinks: Sequence[tuple[int, SinkChild]]) -> Iterator[tuple[str, str]]:
    seen = set[str]()
    for position, child in sinks:
        for each in instances(child):
            if isinstance(each, SinkChild) and each.member is not None:
                if each.member in seen:
                    yield f"child[{position}].member", f"another sink has the name {each.member}: write another one"
                seen.add(each.member)
