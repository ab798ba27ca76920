"""`alarms burden`: alarms of simulated patients or recordings, with and without delays."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from icu.cli.options import PATIENTS, RATE, SEED, SPAN, Number, given
from icu.cli.study import progress
from icu.errors import UsageError

if TYPE_CHECKING:
    from icu.alarms.statistics import Group, Statistics

# Patients of a fresh run: a day of them takes less than a minute.
_PATIENTS: Final = 20
# Hours, and seconds between two readings.
_HOURS: Final = 24.0
_EVERY: Final = 5.0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option("--patients", type=PATIENTS, help=f"Simulated ones: how many; {_PATIENTS} when not given.")
@click.option("--hours", type=Number(0.001, 720), help=f"How long each is watched; {_HOURS:g} when not given.")
@click.option("--every", type=SPAN, help="Time between two readings: 5s, 1min; 5s when not given.")
@click.option("--seed", type=SEED, help="The same arguments give the same figures; 0 when not given.")
@click.option("--scenario-rate", type=RATE, help="How often scenarios begin by chance: 1 as their files say, 0 never.")
@click.option("--artefacts", type=RATE, help="How often sensors fail; 1 as is usual, 0 never.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def burden(folder: Path | None, every: float | None, *, as_json: bool, **others: object) -> None:
    """Count the alarms of simulated patients, or of a FOLDER of recordings, with the default limits.

    Side by side: with thresholds alone, with delays, with hysteresis too, and with all, which is how alarms are raised
    here. Nobody acknowledges anything.
    """
    options = given(every=every, **others)
    if folder is not None and options:
        raise UsageError(
            f"--{next(iter(options)).replace('_', '-')} is for simulated patients: leave it or {folder} out"
        )
    if every is not None and not 1 <= every <= 3_600:
        raise UsageError(f"--every {every:g}s is not between 1s and 1h")
    from icu.study import burden as study
    from icu.study.simulation import Plan

    plan = Plan(**{"patients": _PATIENTS, "hours": _HOURS, "every": _EVERY, **options})
    courses = study.simulated(plan) if folder is None else study.recorded(folder)
    with progress(plan.patients * plan.readings if folder is None else None, shown=True) as advance:
        found = study.measure(courses, on_readings=advance or (lambda _: None))
    click.echo(_as_json(found) if as_json else "\n".join(_lines(found)))


def _as_json(found: Mapping[str, "Statistics"]) -> str:
    import msgspec

    from icu.alarms.statistics import LITERATURE

    encoded = msgspec.json.encode({"settings": found, "literature": LITERATURE})
    return msgspec.json.format(encoded, indent=1).decode()


def _lines(found: Mapping[str, "Statistics"]) -> Iterator[str]:
    from icu.alarms.statistics import LITERATURE

    columns = list(found.values())
    days = columns[0].watched_hours / 24
    yield f"beds: {columns[0].beds}, bed-days: {days:.1f}"
    yield ""
    yield _row("alarms a bed-day", list(found))
    counts = [_counts(each) for each in columns]
    # All names of the first, then those that only others have.
    for name in dict.fromkeys(name for each in counts for name in each):
        yield _row(name, [_number(each.get(name, 0), days) for each in counts])
    yield ""
    yield _row("median length, s", [_figure(each.all.duration.median) for each in columns])
    yield _row("under 15 s, %", [_figure(each.all.short_share, 100) for each in columns])
    yield _row("floods", [str(sum(each.floods.values())) for each in columns])
    yield ""
    for each in LITERATURE.values():
        yield f"{each.value:g} {each.unit}: {each.source}"


def _counts(statistics: "Statistics") -> Mapping[str, int]:
    """Numbers of alarms: in all, of each kind, priority and condition, and those that a delay suppressed."""
    priorities = {name: statistics.by_priority.get(name) for name in ("high", "medium", "low")}
    groups = {**statistics.by_kind, **priorities, **statistics.by_condition}
    return {
        "suppressed": statistics.all.suppressed or 0,
        "all": _raised(statistics.all),
        **{f"  {name}": _raised(group) for name, group in groups.items()},
    }


def _raised(group: "Group | None") -> int:
    """Alarms, those that were raised again while they were latched among them."""
    return 0 if group is None else group.raised + group.raised_again


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:24}" + "".join(f"{each:>18}" for each in cells)


def _number(count: int, days: float) -> str:
    return f"{count / days:.1f}" if days else "-"


def _figure(value: float | None, scale: float = 1) -> str:
    return "-" if value is None else f"{scale * value:.1f}"
