"""Dead letters as they are served and exported: bytes as text where they are UTF-8, and else in base64."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from icu.store.dead_letters.pages import Letter, ReasonCount
from icu.store.readings import from_milliseconds


class HeaderEntry(Struct, frozen=True):
    """Header of a record."""

    name: Annotated[str, Meta(description="Name of the header")]
    value: Annotated[str, Meta(description="Text, or base64 where the bytes are not UTF-8")]
    is_base64: Annotated[bool, Meta(description="True where the value is base64")]


class DeadLetterEntry(Struct, frozen=True):
    """Record that could not be stored, and the reason."""

    id: Annotated[str, Meta(description="TOPIC/LOG/PARTITION:OFFSET", examples=["icu.readings/1/0:1234"])]
    topic: Annotated[str, Meta(description="Topic of the record")]
    log: Annotated[int, Meta(description="Number of the log: a broker that lost its disk begins a new one")]
    partition: Annotated[int, Meta(description="Partition of the topic")]
    offset: Annotated[int, Meta(description="Place in the partition")]
    arrived: Annotated[datetime, Meta(description="When the sink first read it")]
    reason: Annotated[str, Meta(description="One word, as in the figures", examples=["invalid"])]
    detail: Annotated[str, Meta(description="What is wrong. It may quote the sender's text")]
    key: Annotated[str | None, Meta(description="Text, or base64 where the bytes are not UTF-8")]
    key_is_base64: Annotated[bool, Meta(description="True where the key is base64")]
    value: Annotated[
        str | None, Meta(description="Text, or base64 where the bytes are not UTF-8; null where none was kept")
    ]
    value_is_base64: Annotated[bool, Meta(description="True where the value is base64")]
    size: Annotated[int, Meta(ge=0, description="Bytes of the whole value")]
    is_cut: Annotated[bool, Meta(description="True where the value is only its first 64 KiB")]
    headers: Annotated[Sequence[HeaderEntry], Meta(description="Headers of the record, in their order")]
    asked: Annotated[datetime | None, Meta(description="When a person asked for a replay; null if nobody did")]
    asked_by: Annotated[str | None, Meta(description="Name as typed: nobody has checked it")]
    replayed: Annotated[datetime | None, Meta(description="When the sink replayed it; null before")]
    outcome: Annotated[
        str | None,
        Meta(description="stored, duplicate, or the reason of the new refusal", examples=["stored"]),
    ]
    outcome_detail: Annotated[str | None, Meta(description="What is wrong with it now")]


class ReasonEntry(Struct, frozen=True):
    """Number of dead letters of one reason."""

    reason: Annotated[str, Meta(description="One word, as in the figures", examples=["invalid"])]
    count: Annotated[int, Meta(ge=1, description="Number of letters")]
    newest: Annotated[datetime, Meta(description="Arrival of the newest")]


def letter_entry(letter: Letter) -> DeadLetterEntry:
    """Convert a letter."""
    place = letter.place
    key, key_is_base64 = _text_or_none(letter.key)
    value, value_is_base64 = _text_or_none(letter.value)
    return DeadLetterEntry(
        id=str(place),
        **place.values,
        arrived=from_milliseconds(letter.arrived),
        reason=letter.reason,
        detail=letter.detail,
        key=key,
        key_is_base64=key_is_base64,
        value=value,
        value_is_base64=value_is_base64,
        size=letter.size,
        is_cut=letter.is_cut,
        headers=[HeaderEntry(name, *_text(content)) for name, content in letter.headers],
        asked=_moment(letter.asked),
        asked_by=letter.asked_by,
        replayed=_moment(letter.replayed),
        outcome=letter.outcome,
        outcome_detail=letter.outcome_detail,
    )


def reason_entry(found: ReasonCount) -> ReasonEntry:
    """Convert a count."""
    return ReasonEntry(found.reason, found.count, from_milliseconds(found.newest))


def _text(content: bytes) -> tuple[str, bool]:
    """Return bytes as text, or in base64 where they are not UTF-8; the flag is true then."""
    try:
        return content.decode(), False
    except UnicodeDecodeError:
        return b64encode(content).decode(), True


def _text_or_none(content: bytes | None) -> tuple[str | None, bool]:
    return (None, False) if content is None else _text(content)


def _moment(at: int | None) -> datetime | None:
    return None if at is None else from_milliseconds(at)
