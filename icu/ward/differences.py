"""Changes of a ward in words, for the answers to orders."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from icu.config.settings import AnyChild, Settings

# Names that are told one by one.
_TOLD: Final = 10


def changes(before: Mapping[str, AnyChild], after: Mapping[str, AnyChild], failed: Container[str]) -> list[str]:
    """Describe the changes of the children.

    Args:
        before: Settings of the children by id, in their order.
        after: The same after the change.
        failed: Ids of children that could not be started, which are left out.
    """
    stayed = [name for name in before if name in after]
    places = zip(stayed, [name for name in after if name in before], strict=True)
    lists = {
        "stopped": [name for name in before if name not in after],
        "started": [name for name in after if name not in before and name not in failed],
        "changed": [name for name in stayed if before[name] != after[name] and name not in failed],
        "now in the order": list(after) if any(old != new for old, new in places) else [],
    }
    return _sentences(lists)


def departed(before: Iterable[str], after: Iterable[str]) -> str | None:
    """Name the patients whom no child has any more, and what to do; None if there are none."""
    stayed = set(after)
    names = [name for name in before if name not in stayed]
    if not names:
        return None
    more = f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else ""
    return (
        f"removed patients keep their beds, and alarm as silent: {', '.join(names[:_TOLD])}{more}. "
        "Discharge those who have left: python -m icu patients discharge NAME"
    )


def postponed_settings(wanted: Settings, running: Settings) -> list[str]:
    """Name the changed settings outside the children. They wait for the next start, even for restarted children."""
    others = [name for name in wanted.__struct_fields__ if name != "child"]
    different = [name for name in others if getattr(wanted, name) != getattr(running, name)]
    return _sentences({"not applied until the next start": different})


def _sentences(lists: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{what}: {', '.join(names)}" for what, names in lists.items() if names]
