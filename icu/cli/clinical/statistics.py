"""`alarms statistics`: figures of a ward's alarms over a span of time, beside those of the literature."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import rich_click as click

from icu.cli.clinical.options import monitor_options, patient_option
from icu.cli.listing import escape_control
from icu.cli.options import given
from icu.errors import UsageError

if TYPE_CHECKING:
    from icu.alarms.statistics import Group, Silences, Statistics

_HEADINGS: Final = ("raised", "a day", "heard", "early", "median", "<15 s", "answer", "never")
_LEGEND: Final = (
    "a day: raised a bed and day; early: over before their delay; median: length, s;",
    "<15 s: share of these; answer: median time to the acknowledgement, s;",
    "never: heard, and never acknowledged",
)


@click.command()
@patient_option
@click.option(
    "--from",
    "since",
    metavar="TIME",
    help="Since this time, local without a zone: 2026-01-31T07:00; the last day when not given.",
)
@click.option("--to", "until", metavar="TIME", help="Before this time; now when not given.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, as GET /alarms/statistics has it.")
@monitor_options
def statistics(
    patient: str | None, since: str | None, until: str | None, url: str | None, config: Path | None, *, as_json: bool
) -> None:
    """Count the alarms of a span of time: by kind, priority and condition, with lengths and answers."""
    from icu.cli.clinical.states import WardStatistics
    from icu.cli.clinical.ward import find_ward

    times = {"from": _time("--from", since), "to": _time("--to", until)}
    ward = find_ward(url, config)
    who = None if patient is None else ward.patient(patient).uuid
    query = urlencode(given(patient=who, **times))
    path = f"/alarms/statistics?{query}".rstrip("?")
    if as_json:
        click.echo(ward.monitor.get(path).body.decode())
        return
    found = ward.monitor.fetch(path, WardStatistics)
    click.echo(f"{found.begin.astimezone():%Y-%m-%d %H:%M:%S} to {found.end.astimezone():%Y-%m-%d %H:%M:%S}")
    for line in lines(found):
        click.echo(line)
    for line in found.absent:
        click.echo(f"not known: {line}")


def _time(option: str, text: str | None) -> str | None:
    """Return a time as the API takes it, with its zone.

    Raises:
        UsageError: It is none.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError) as exc:
        raise UsageError(f"{option} {text!r} is no time: write for instance 2026-01-31T07:00") from exc


def lines(found: "Statistics") -> Iterator[str]:
    """Format statistics: a row for each group of alarms, and sentences about the rest."""
    from icu.alarms.statistics import LITERATURE

    valid = "" if found.monitored_hours is None else f", {found.monitored_hours:.1f} h of them with valid data"
    yield f"beds: {found.beds}, {found.watched_hours:.1f} h watched{valid}"
    yield ""
    yield _row("alarms", _HEADINGS)
    groups = {**found.by_kind, **found.by_priority, **found.by_condition}
    for name, group in {"all": found.all, **{f" {name}": group for name, group in groups.items()}}.items():
        yield _row(name, _cells(group))
    yield from ("", *_LEGEND, "")
    yield from _sentences(found)
    yield ""
    for each in LITERATURE.values():
        yield f"{each.value:g} {each.unit}: {each.source}"


def _cells(group: "Group") -> tuple[str, ...]:
    return (
        str(group.raised),
        _figure(group.per_bed_day),
        str(group.audible),
        "-" if group.suppressed is None else str(group.suppressed),
        _figure(group.duration.median),
        _share(group.short_share),
        _figure(group.to_acknowledge.median),
        str(group.never_acknowledged),
    )


def _sentences(found: "Statistics") -> Iterator[str]:
    whole = found.all
    yield f"technical: {_share(found.technical_share)}; at the tenth of beds with most: {_share(whole.top_tenth_share)}"
    yield f"ended: {_counts(whole.ended)}"
    yield (
        f"again while latched: {whole.raised_again}; again within 5 min: {whole.repeats}; "
        f"unanswered: {whole.unanswered}; late: {whole.late}; floods: {sum(found.floods.values())}"
    )
    yield f"pauses: {_silences(found.pauses)}; shelves: {_silences(found.shelves)}"
    yield f"limit changes: {found.limit_changes} ({_counts(found.limit_changes_by)})"
    yield f"versions of the ward's limits: {', '.join(map(str, found.ward_limits)) or '-'}"
    if found.flagged_share is not None:
        shares = (f"{name} {_share(share)}" for name, share in found.flagged_share.items())
        yield f"flagged time: {', '.join(shares) or '-'}"


def _silences(silences: "Silences") -> str:
    return f"{silences.count}, {silences.minutes:.0f} min ({_counts(silences.by)})"


def _counts(counts: Mapping[Any, int]) -> str:
    return escape_control(", ".join(f"{name} {count}" for name, count in counts.items())) or "-"


def _row(name: str, cells: tuple[str, ...]) -> str:
    return f"{name:24}" + "".join(f" {each:>6}" for each in cells)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"
