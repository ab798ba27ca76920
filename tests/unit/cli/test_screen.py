"""The children on terminals of the usual sizes and of narrow ones."""

import io
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from icu.cli import screen
from icu.cli.screen import is_screen, report
from icu.supervisor.view import ChildState, ChildView

REASON = "partition 3 cannot be read from offset 1203: have the broker's disk looked at"
SERVICES = [
    ChildView("sink", ChildState.DEGRADED, uptime=3723, detail=REASON),
    ChildView("monitor", ChildState.RUNNING, uptime=61, restarts=3, detail="http://[bold]127.0.0.1:8000"),
]
SIZES = [(80, 24), (44, 24)]


def beds(count: int, *, state: ChildState = ChildState.RUNNING, first: int = 1) -> list[ChildView]:
    """Make this number of beds."""
    numbers = range(first, first + count)
    return [
        ChildView(f"bed-{n}", state, uptime=3.0 * (state is ChildState.RUNNING), last_error="E: x") for n in numbers
    ]


def lines(children: Sequence[ChildView], width: int = 80, height: int = 24) -> list[str]:
    """Render the report for a terminal of this size."""
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    ids = {child.id for child in children} - {"sink", "monitor"}
    with console.capture() as capture:
        console.print(report(children, ids, width=width, height=height))
    return [line.rstrip() for line in capture.get().splitlines()]


def flat(shown: Sequence[str]) -> str:
    """Join the words of all lines."""
    return "".join("".join(shown).split())


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_trouble_comes_first_and_totals_last(width: int, height: int) -> None:
    """Trouble comes first and totals last, with headings between; reasons and advice are whole, and no line is too
    long."""
    children = [
        *SERVICES,
        *beds(3),
        *beds(1, state=ChildState.STOPPED, first=4),
        *beds(1, state=ChildState.FAILED, first=5),
    ]
    shown = lines(children, width, height)
    headings = [line for line in shown if line in {"Trouble", "Not running", "Running"}]
    assert (shown[0], headings) == ("Trouble", ["Trouble", "Not running", "Running"])
    assert max(map(cell_len, shown)) <= width
    assert flat([REASON]) in flat(shown)
    assert flat(["E: x; python -m icu start bed-5"]) in flat(shown)
    assert flat(["python -m icu start bed-4"]) in flat(shown)
    assert "http://[bold]127.0.0.1:8000" in flat(shown)
    total = "3 of 5 beds and 1 of 2 services run; 1 failed, 1 degraded, 1 stopped"
    assert flat(shown).endswith(flat([total]))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", [8, 100, 1_000])
def test_healthy_beds_are_folded(count: int, width: int, height: int) -> None:
    """On a small screen beds are counted and services still listed: the report fits."""
    shown = lines([SERVICES[1], *beds(count)], width, height)
    assert len(shown) < height
    assert shown[-1] == f"{count} of {count} beds and 1 of 1 service run"
    assert any(line.startswith("monitor") for line in shown)
    assert any(line.startswith("bed-8") for line in shown) is (count == 8)


@pytest.mark.parametrize("count", range(10, 25))
def test_nobody_who_is_listed_scrolls_away(count: int) -> None:
    """A full list leaves room for the prompt below it."""
    assert len(lines([*SERVICES, *beds(count)])) < 24


def test_many_with_one_trouble_are_one_row() -> None:
    """Children with the same trouble, such as a broker that is away, are one row."""
    shown = lines([*SERVICES, *beds(300, state=ChildState.BACKOFF), *beds(700, first=301)])
    assert len(shown) < 24
    assert any("bed-1 to bed-300" in line for line in shown)
    assert shown[-1].startswith("700 of 1000 beds and 1 of 2 services run; 1 degraded, 300 backoff")


@pytest.mark.parametrize("width", [80, 44])
@pytest.mark.parametrize(
    "name", ["x" * 100, "палата интенсивной терапии " * 4, "長い名前の患者さん山田太郎左衛門尉" * 4]
)
def test_long_and_wide_names_are_whole(name: str, width: int) -> None:
    """Long names are broken, not cut, and wide letters are counted as wide."""
    shown = lines([ChildView(name, ChildState.FAILED, last_error="E: x")], width)
    assert max(map(cell_len, shown)) <= width
    first = flat([line if width == 44 else line[: 80 // 3] for line in shown])
    assert all(letter in first for letter in set(flat([name])))
    assert flat(shown).count(flat([name])[-4:]) >= 1


def test_nothing_steers_the_terminal() -> None:
    """Control characters in a name or an error are escaped."""
    shown = flat(lines([ChildView("a\x1b[2J", ChildState.FAILED, last_error="E:\x1b]0;x\x07")]))
    assert "\x1b" not in shown
    assert "a\\x1b[2J" in shown


def test_nobody_there() -> None:
    """A ward without children says that it has none."""
    assert lines([]) == ["no children"]


@pytest.mark.parametrize(
    ("terminal", "term", "expected"),
    [(True, "xterm-256color", True), (True, "dumb", False), (True, "unknown", False), (False, "xterm", False)],
)
def test_who_gets_a_screen(monkeypatch: pytest.MonkeyPatch, terminal: bool, term: str, expected: bool) -> None:
    """Pipes and simple terminals get no screen."""
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign] # a terminal, or none
    monkeypatch.setenv("TERM", term)
    assert is_screen(stream) is expected


def test_pipes_get_a_line_each(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Pipes get one line a child, without folding, headings or control characters."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    screen.show([SERVICES[0], *beds(100)], {"bed-1"})
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 101
    assert "\x1b" not in out
    assert out.splitlines()[0] == f"sink     degraded  1:02:03  {REASON}"
