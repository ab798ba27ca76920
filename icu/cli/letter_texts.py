"""Dead letters as text: a line each, or one whole with its bytes, safe for a terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from icu.cli.listing import aligned, escape_control

if TYPE_CHECKING:
    from datetime import datetime

    from icu.store.dead_letters.entries import DeadLetterEntry
    from icu.store.dead_letters.pages import ReasonCount

# Bytes of a value that are shown; the rest can be exported.
SHOWN: Final = 4_096
# Characters of an explanation in a list, which may quote the sender.
_DETAIL: Final = 80
_HEX_ROW: Final = 16

# Ways in which letters were left out of a replay, in words.
_LEFT_OUT: Final = {
    "cut": "cut at 64 KiB",
    "no-value": "without a value",
    "waits": "asked for already",
    "replayed": "replayed already (--again replays them once more)",
}


def table(letters: Sequence[tuple[str, "DeadLetterEntry"]]) -> list[str]:
    """Format letters, a line each: id, arrival, reason, bytes, replay, explanation."""
    rows = [
        (name, _time(each.arrived), each.reason, f"{each.size} B", replay_of(each), _shortened(each.detail))
        for name, each in letters
    ]
    return aligned(rows) if rows else []


def counts(reasons: Sequence["ReasonCount"]) -> str:
    """Format the number of letters by reason."""
    if not reasons:
        return "no dead letters"
    total = sum(each.count for each in reasons)
    parts = ", ".join(f"{each.count} {escape_control(each.reason)}" for each in reasons)
    return f"{total} dead letter{'' if total == 1 else 's'}: {parts}"


def replay_of(letter: "DeadLetterEntry") -> str:
    """Return the state of a letter's replay: outcome, waiting, or `-`."""
    if letter.replayed is not None:
        return letter.outcome or "replayed"
    return "-" if letter.asked is None else "waits"


def whole(name: str, letter: "DeadLetterEntry", value: bytes | None) -> Iterator[str]:
    """Format one letter with all that is known of it."""
    rows = [
        ("id", name),
        ("record", f"offset {letter.offset} of partition {letter.partition}, log {letter.log} of {letter.topic}"),
        ("arrived", _time(letter.arrived)),
        ("reason", letter.reason),
        ("detail", letter.detail),
        *_replay_rows(letter),
        ("key", _bytes(letter.key, is_base64=letter.key_is_base64)),
        *((f"header {each.name}", _bytes(each.value, is_base64=each.is_base64)) for each in letter.headers),
        ("value", _about_value(letter)),
    ]
    yield from aligned(rows)
    if value:
        yield ""
        yield from _shown(value[:SHOWN], is_text=not letter.value_is_base64)
        if len(value) > SHOWN:
            yield f"... {len(value) - SHOWN} bytes more: python -m icu dead-letters export {name}"


def left_out(numbers: dict[str, int]) -> str:
    """Format how many letters were left out of a replay, by the reason."""
    return "left out: " + ", ".join(f"{count} {_LEFT_OUT[why]}" for why, count in sorted(numbers.items()))


def _replay_rows(letter: "DeadLetterEntry") -> Iterator[tuple[str, str]]:
    if letter.asked is not None:
        yield "replay", f"asked for {_time(letter.asked)} by {letter.asked_by}"
        if letter.replayed is None:
            yield "outcome", "waits for the sink"
        else:
            detail = f": {letter.outcome_detail}" if letter.outcome_detail else ""
            yield "outcome", f"{letter.outcome} {_time(letter.replayed)}{detail}"


def _about_value(letter: "DeadLetterEntry") -> str:
    if letter.value is None:
        return f"none was kept of {letter.size} bytes" if letter.size else "none"
    kind = "bytes that are no UTF-8" if letter.value_is_base64 else "bytes of UTF-8"
    return f"{letter.size} {kind}{', of which the first 64 KiB were kept' if letter.is_cut else ''}"


def _bytes(text: str | None, *, is_base64: bool) -> str:
    if text is None:
        return "none"
    return f"base64 {text}" if is_base64 else text


def _shown(value: bytes, *, is_text: bool) -> Iterator[str]:
    """Show bytes: as text with what could steer a terminal escaped, or as a dump of hexadecimal digits."""
    if is_text:
        # A letter of several bytes may be parted at the end.
        yield from (escape_control(line) for line in value.decode(errors="replace").split("\n"))
        return
    for begin in range(0, len(value), _HEX_ROW):
        row = value[begin : begin + _HEX_ROW]
        letters = "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in row)
        yield f"{begin:08x}  {row.hex(' '):{3 * _HEX_ROW}} {letters}"


def _shortened(text: str) -> str:
    return text if len(text) <= _DETAIL else f"{text[: _DETAIL - 3]}..."


def _time(moment: "datetime") -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
