"""`simulate`, `scorecard` and `picture`: studies without any service."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from icu.cli.options import PATIENTS, RATE, SEED, SPAN, Number, Whole, given, help_without_command, parse_start
from icu.errors import UsageError

if TYPE_CHECKING:
    from icu.study.scorecard import Scorecard

_PATH: Final = click.Path(path_type=Path)
# Ten years at most, as for spans of time.
_HOURS: Final = Number(0.001, 87_600)
# Seconds between two readings, the same range as for a patient that is run.
_SHORTEST, _LONGEST = 0.1, 86_400.0


@click.command()
@click.option("--patients", type=PATIENTS, help="How many; 200 when not given.")
@click.option("--hours", type=_HOURS, help="How long each is watched; 38 when not given.")
@click.option("--every", type=SPAN, help="Time between two readings: 5s, 1min, 1h; 1h when not given.")
@click.option("--seed", type=SEED, help="The same arguments give the same bytes; 0 when not given.")
@click.option("--start", metavar="TIME", help="Of the first reading; 2026-01-01T00:00:00Z when not given.")
@click.option("--scenario", help="Scenario of all patients from the start: a name of config/scenarios, such as sepsis.")
@click.option("--scenario-rate", type=RATE, help="How often others do by chance: 1 as their files say, 0 never.")
@click.option("--artefacts", type=RATE, help="How often sensors fail; 1 as is usual, 0 never.")
@click.option(
    "--out", type=_PATH, help="The file, replaced when all is written; Parquet if it ends in .parquet. Or - for stdout."
)
@click.option("--labels", type=_PATH, help="Another file, for what really went on, row for row.")
def simulate(out: Path | None, labels: Path | None, start: str | None, every: float | None, **others: object) -> None:
    """Write the readings of simulated patients as CSV or Parquet: patient after patient, each in order of time."""
    if every is not None and not _SHORTEST <= every <= _LONGEST:
        raise UsageError(f"--every {every:g}s is not between {_SHORTEST:g}s and 24h")
    out = None if out == Path("-") else out
    if labels == Path("-"):
        raise UsageError("--labels names a file: standard output is for the vitals")
    if labels is not None and out is not None and labels.resolve() == out.resolve():
        raise UsageError("--labels and --out name one file: labels stand beside the vitals, never among them")
    from icu.study.export import export
    from icu.study.simulation import Plan

    plan = Plan(**given(start=parse_start(start), every=every, **others))
    with progress(plan.patients * plan.readings, shown=out is not None) as advance:
        export(plan, out=out, labels=labels, on_rows=advance)


@click.command()
@click.argument("source", type=_PATH, metavar="[FILE|FOLDER]", required=False)
@click.option("--patients", type=PATIENTS, help="Of a fresh run: how many; 200 when not given.")
@click.option("--hours", type=_HOURS, help="Of a fresh run: how long each is watched; 38 when not given.")
@click.option("--seed", type=SEED, help="Of a fresh run; 0 when not given.")
@click.option("--least", type=Number(0, 100), help="End with 1 if fewer percent of the statistics are inside.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def scorecard(source: Path | None, least: float | None, *, as_json: bool, **others: object) -> int:
    """Compare a data set (CSV, Parquet), a folder of recordings or a fresh run with 20,336 real stays.

    Ends with 0 whatever the share is, unless --least says what is expected.
    """
    options = given(**others)
    if source is not None and options:
        raise UsageError(f"--{next(iter(options))} is for a fresh run: leave it or {source} out")
    from icu.ops import logs
    from icu.study import hourly, tables
    from icu.study.scorecard import judge
    from icu.study.simulation import Plan

    logs.configure(level="INFO", form="auto")
    if source is None:
        signs = hourly.simulated(Plan(**options))
    else:
        signs = hourly.recorded(source) if source.is_dir() else tables.hourly(source)
    card = judge(signs)
    click.echo(_as_json(card) if as_json else "\n".join(_lines(card)))
    return 1 if least is not None and card.share < least else 0


@contextmanager
def progress(readings: int | None, *, shown: bool) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on a terminal, unless the result itself is printed there meanwhile.

    Args:
        readings: Number of readings in all; None if it is not known.
        shown: True if standard output is free for it.
    """
    if not sys.stderr.isatty() or not (shown or not sys.stdout.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("readings", total=readings)
        yield lambda rows: bar.advance(task, rows)


def _lines(card: "Scorecard") -> Iterator[str]:
    yield f"{'statistic':18}{'reference':>10}{'measured':>10}{'band':>10}"
    for row in card.rows:
        if math.isnan(row.measured):
            yield f"{row.name:18}{row.reference:10.3f}{'-':>10}{row.band:10.3f}  not measured"
            continue
        yield (
            f"{row.name:18}{row.reference:10.3f}{row.measured:10.3f}{row.band:10.3f}  "
            f"{'inside' if row.inside else 'OUTSIDE'}"
        )
    yield ""
    yield f"{card.inside} of {card.measured} inside, {card.share:.1f} % ({card.patients} patients, {card.hours} hours)"


def _as_json(card: "Scorecard") -> str:
    rows = [
        {**row._asdict(), "measured": None if math.isnan(row.measured) else row.measured, "inside": row.inside}
        for row in card.rows
    ]
    figures = {"patients": card.patients, "hours": card.hours, "measured": card.measured, "inside": card.inside}
    return json.dumps({**figures, "share": card.share, "statistics": rows}, indent=1)


@click.group(invoke_without_command=True)
@click.pass_context
def picture(context: click.Context) -> None:
    """Draw simulated patients, as SVG or PNG."""
    help_without_command(context)


_out = click.option("--out", type=_PATH, required=True, help="The picture, ending in .svg or .png.")
_seed = click.option("--seed", type=SEED, default=0, help="Which patients; 0 when not given.")


@picture.command("patients")
@_out
@click.option("--patients", type=Whole(1, 12), default=4, help="The first so many; 4 when not given.")
@click.option("--hours", type=_HOURS, default=24.0, help="24 when not given.")
@_seed
def picture_patients(out: Path, patients: int, hours: float, seed: int) -> None:
    """Draw a day of some patients, as chance has it: the first ones of `simulate` with this seed."""
    from icu.study import courses
    from icu.study.pictures import draw

    draw(out, [courses.day(number + 1, seed, hours) for number in range(patients)])


@picture.command("scenario")
@click.argument("name")
@_out
@_seed
def picture_scenario(name: str, out: Path, seed: int) -> None:
    """Draw a patient in the scenario NAME of config/scenarios, with its phases."""
    from icu.study import courses
    from icu.study.pictures import draw

    draw(out, [courses.scenario(name, seed)])
