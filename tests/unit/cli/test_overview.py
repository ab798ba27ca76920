"""A running ward on a terminal."""

import io
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from icu.bootstrap.bedsides import Bedsides
from icu.cli.overview import LOOKS_PER_PAGE, Pages, render
from icu.patient.patients import EmulatedPatients
from icu.patient.simulated import SimulatedBay
from icu.supervisor.view import ChildState, ChildView
from tests.clocks import virtual_time
from tests.samples import START
from tests.unit.patient.wards import SCENARIOS, cohort

pytestmark = pytest.mark.parametrize("anyio_backend", [pytest.param(virtual_time(), id="virtual time")])

SIZES = [(80, 24), (44, 24), (160, 50)]
SINK = ChildView("sink", ChildState.RUNNING, uptime=61)
MONITOR = ChildView("monitor", ChildState.RUNNING, uptime=61, detail="http://[bold]x")


class Ward:
    """A ward of beds with one patient each; the first one may be in trouble."""

    def __init__(self, count: int, *, down: int = 0, name: str = "Patient") -> None:
        names = [f"bed-{number}" for number in range(1, count + 1)]
        bays = {each: bay(f"{name} {each}") for each in names[down:]}
        for each in bays.values():
            each.observe()
        self.bedsides = Bedsides({each: EmulatedPatients([bays[each]], SCENARIOS) for each in bays})
        self.beds = [
            # Each of its own kind of trouble, so that none can be put beside another.
            ChildView(each, ChildState.FAILED, last_error=f"E: {each}") if each not in bays
            else ChildView(each, ChildState.RUNNING, uptime=61)
            for each in names
        ]  # fmt: skip
        self.pages = Pages(self.bedsides)

    def view(self) -> Sequence[ChildView]:
        """Return the children, as in the tree."""
        return [SINK, MONITOR, ChildView("beds", ChildState.RUNNING, uptime=60, children=self.beds)]

    def lines(self, width: int, height: int, progress: float = 1.0) -> list[str]:
        """Render the overview."""
        console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
        with console.capture() as capture:
            console.print(render(console, self.view(), self.pages, progress))
        return [line.rstrip() for line in capture.get().splitlines()]


def bay(name: str) -> SimulatedBay:
    """Make a bay of one patient."""
    return SimulatedBay(cohort([name]), interval=5.0, offset=0.0, start=START, launch=START, speed=1.0)


async def test_a_bar_until_all_have_caught_up() -> None:
    """A progress bar of the past is shown until all patients have caught up."""
    behind = Ward(1).lines(100, 30, 0.3)
    assert any("history" in line and "30%" in line for line in behind)
    assert "http://[bold]x" in "".join(behind)
    assert [line for line in behind if "history" not in line] == Ward(1).lines(100, 30)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("count", "down"), [(8, 0), (100, 4), (1_000, 100), (100, 100)])
async def test_it_fits(count: int, down: int, width: int, height: int) -> None:
    """Trouble comes first and the totals last, and there is room for the log above, in any state of the ward."""
    lines = Ward(count, down=down).lines(width, height)
    assert len(lines) <= height - 3
    assert max(map(cell_len, lines)) <= width
    assert (
        "".join(lines)
        .replace(" ", "")
        .endswith(
            f"{count - down} of {count} beds and 2 of 2 services run{f'; {down} failed' if down else ''}".replace(
                " ", ""
            )
        )
    )
    assert ("Trouble" in lines) is (down > 0)
    if down:
        assert lines.index("Trouble") < lines.index("Running")
        assert "E: bed-1;" in " ".join(lines)
    if down >= 100:
        assert "... and more: python -m icu status" in lines
    assert any(line.startswith("Patients") for line in lines) is (down < count)


@pytest.mark.parametrize("width", [80, 44])
async def test_every_patient_comes_to_be_seen(width: int) -> None:
    """Pages of patients follow each other every few seconds, and begin again; long names take more room."""
    ward = Ward(30, name="長い名前の患者さん山田太郎左衛門尉")
    pages: list[list[str]] = []
    for _ in range(30 * LOOKS_PER_PAGE):
        lines = ward.lines(width, 24)
        if not pages or lines != pages[-1]:
            pages.append(lines)
    seen = {line.split()[0] for page in pages for line in page if line.startswith("bed-")}
    assert seen == {f"bed-{number}" for number in range(1, 31)}
    round_ = pages.index(pages[0], 1)
    assert round_ > 2
    assert pages[round_ : 2 * round_] == pages[:round_]


async def test_patients_in_other_processes() -> None:
    """The overview says that signs of patients in other processes are not known."""
    ward = Ward(3)
    ward.beds += [ChildView("far-1", ChildState.RUNNING, uptime=3), ChildView("far-2", ChildState.STOPPED)]
    assert "signs not known here: 1 in processes of their own, ask GET /patients" in ward.lines(80, 24)
    assert not any("signs not known" in line for line in Ward(3).lines(80, 24))


async def test_a_supervisor_that_gave_up() -> None:
    """The row of a supervisor that gave up has the reason why its patients are down."""
    ward = Ward(2)
    beds = ChildView("beds", ChildState.BACKOFF, last_error="RestartIntensityError: too often", children=ward.beds)
    ward.view = lambda: [SINK, MONITOR, beds]  # type: ignore[method-assign] # the view of the moment
    lines = ward.lines(80, 24)
    assert "RestartIntensityError: too often" in lines[lines.index("Trouble") + 2]
    assert lines[-1] == "2 of 2 beds and 2 of 2 services run"
