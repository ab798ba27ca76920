"""What an order has changed in a ward, in words."""

from collections.abc import Container, Mapping, Sequence

from icu.config.settings import AnyChild, Settings


def changes(before: Mapping[str, AnyChild], after: Mapping[str, AnyChild], failed: Container[str]) -> list[str]:
    """What was done with the children, but for those that failed to start."""
    stayed = [name for name in before if name in after]
    places = zip(stayed, [name for name in after if name in before], strict=True)
    lists = {
        "stopped": [name for name in before if name not in after],
        "started": [name for name in after if name not in before and name not in failed],
        "changed": [name for name in stayed if before[name] != after[name] and name not in failed],
        "now in the order": list(after) if any(old != new for old, new in places) else [],
    }
    return _sentences(lists)


def postponed_settings(wanted: Settings, running: Settings) -> list[str]:
    """Which settings stay as they are, for the children that are started again too."""
    others = [name for name in wanted.__struct_fields__ if name != "child"]
    different = [name for name in others if getattr(wanted, name) != getattr(running, name)]
    return _sentences({"not applied until the next start": different})


def _sentences(lists: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{what}: {', '.join(names)}" for what, names in lists.items() if names]
