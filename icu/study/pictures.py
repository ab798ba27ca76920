"""Pictures of courses, drawn by Matplotlib, an extra: signs below each other, patients beside each other."""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from icu.errors import UsageError
from icu.patient.body.signs import Floats
from icu.patient.sensors import SHOWN
from icu.study.courses import Course
from icu.study.extras import extra
from icu.study.output import open_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES: Final = (".svg", ".png")


class Row(NamedTuple):
    """A row of a picture."""

    label: str
    signs: tuple[str, ...]
    colour: str
    # Range that is shown at least, so that a quiet course looks quiet.
    lowest: float
    highest: float


# Colours of Okabe and Ito, or as dark: people who confuse red and green can tell them apart. Rows have labels too.
ROWS: Final = (
    Row("heart rate\n/min", ("pulse",), "#009e73", 60, 110),
    Row("pressure\nmm[Hg]", ("systolic", "map", "diastolic"), "#d55e00", 50, 140),
    Row("SpO2\n%", ("spo2",), "#0072b2", 90, 100),
    Row("breaths\n/min", ("resp_rate",), "#b07aa1", 8, 30),
    Row("temperature\nCel", ("temperature",), "#6b4c1e", 36, 38.5),
)

_STYLE: Final = {
    "svg.fonttype": "none",  # text stays text, in the reader's own font
    "svg.hashsalt": "icu",  # equal pictures are equal files
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "path.simplify_threshold": 0.3,
}
# Digits behind the second decimal: nobody sees them, and they are half of an SVG file.
_SUPERFLUOUS_DIGITS: Final = re.compile(rb"(\d\.\d\d)\d+")
_GREY: Final = "#555555"
# Letters of phases' names that fit beside each other over a picture of one patient.
_LETTERS: Final = 105
_SHADES: Final = ("#e9e9e9", "#f5f5f5")


def draw(path: Path, courses: Sequence[Course]) -> None:
    """Draw courses into an SVG or PNG file.

    Raises:
        UsageError: The file has another suffix.
        ConfigurationError: Matplotlib is not installed, or the file cannot be made.
        OutputError: The file cannot be written.
    """
    form = path.suffix.lower()
    if form not in SUFFIXES:
        raise UsageError(f"{path}: pictures end in {' or '.join(SUFFIXES)}")
    matplotlib = extra("matplotlib", "a picture")
    figures = extra("matplotlib.figure", "a picture")
    with matplotlib.rc_context(_STYLE):
        figure = figures.Figure(figsize=(max(7.0, 2.4 * len(courses)), 6.4), layout="constrained")
        grid = figure.subplots(len(ROWS), len(courses), sharex="col", sharey="row", squeeze=False)
        for column, course in enumerate(courses):
            _column(grid[:, column], course)
        for axes, row in zip(grid[:, 0], ROWS, strict=True):
            axes.set_ylabel(row.label, rotation=0, ha="right", va="center", ma="right", color=row.colour)
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, row.lowest), max(high, row.highest))
            axes.locator_params(axis="y", nbins=4, integer=True)
        figure.align_ylabels(grid[:, 0])
        drawn = BytesIO()
        figure.savefig(drawn, format=form[1:], dpi=130, metadata={"Date": None} if form == ".svg" else None)
    content = drawn.getvalue()
    with open_output(path) as file:
        file.write(_SUPERFLUOUS_DIGITS.sub(rb"\1", content) if form == ".svg" else content)


def _column(column: Sequence["Axes"], course: Course) -> None:
    unit, name = _unit(course)
    times = course.seconds / unit
    for axes, row in zip(column, ROWS, strict=True):
        for number, phase in enumerate(course.phases):
            axes.axvspan(phase.begin / unit, phase.end / unit, color=_SHADES[number % 2], lw=0, zorder=0)
        values = [course.values[SHOWN.index(sign)] for sign in row.signs]
        _plot(axes, times, values, course, row)
        axes.set_xlim(times[0], 2 * times[-1] - times[-2])
    column[-1].set_xlabel(name)
    column[-1].locator_params(axis="x", nbins=5 if course.phases == () else 9, steps=[1, 2, 3, 6, 10])
    levels = _name_phases(column[0], course, unit)
    column[0].set_title(course.title, loc="left", fontsize=9, pad=6 + 9 * levels)


def _name_phases(axes: "Axes", course: Course, unit: float) -> int:
    """Write each phase's name above its beginning, as low as the names before it leave room for.

    Returns:
        Number of levels.
    """
    span = course.seconds[-1] - course.seconds[0]
    ends: dict[int, float] = {}
    for phase in course.phases:
        place = _LETTERS * phase.begin / span
        level = next(each for each in range(len(course.phases)) if ends.get(each, -_LETTERS) < place)
        ends[level] = place + len(phase.name) + 1
        axes.annotate(
            phase.name,
            (phase.begin / unit, 1),
            xycoords=("data", "axes fraction"),
            xytext=(1, 2 + 9 * level),
            textcoords="offset points",
            fontsize=7,
            color=_GREY,
            annotation_clip=False,
        )
    return len(ends)


def _plot(axes: "Axes", times: Floats, values: Sequence[Floats], course: Course, row: Row) -> None:
    if len(values) == 1:
        axes.plot(times, values[0], color=row.colour, lw=0.9)
        return
    systolic, mean, diastolic = values
    # A cuff's value holds until the next one: steps, for a slope was not measured.
    by_cuff = not course.measured.all()
    axes.fill_between(times, diastolic, systolic, color=row.colour, alpha=0.25, lw=0, step="post" if by_cuff else None)
    axes.plot(times, mean, color=row.colour, lw=0.9, drawstyle="steps-post" if by_cuff else "default")


def _unit(course: Course) -> tuple[float, str]:
    """Choose the unit of the time axis: its seconds, and its name."""
    return (3_600.0, "hours") if course.seconds[-1] - course.seconds[0] > 4 * 3_600 else (60.0, "minutes")
