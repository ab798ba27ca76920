"""Check of the number of sinks: the database's engine says if several may write to it."""

from collections.abc import Iterator

from icu.config.settings import Settings, SinkChild


def mistakes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Find sinks that the database does not allow.

    Yields:
        The place of each mistake, for instance `child[2].role`, and its description.
    """
    children = enumerate(settings.child)
    tables = [(position, each.count or 1) for position, each in children if isinstance(each, SinkChild)]
    if sum(count for _, count in tables) < 2:
        return
    # Imported late: only a second sink needs it.
    from icu.store.engines.table import engine_of

    reason = engine_of(settings.database.url).single_sink
    if reason is None:
        return
    for position, count in tables:
        if count > 1:
            yield f"child[{position}].count", f"{reason}, so there is one sink"
    for position, _ in tables[1:]:
        yield f"child[{position}].role", f"{reason}, so there is one sink: remove this one"
