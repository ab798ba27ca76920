"""Commands for a running supervisor: `status`, `restart`, `logs` and the like."""

import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import rich_click as click
from click.exceptions import Exit

from icu.cli.listing import escape_control, format_entry, outline, scenario_table
from icu.cli.options import Whole, config_option, prepare, print_any_letter
from icu.config.errors import ConfigurationError
from icu.config.load import chosen_file, from_environment, packaged
from icu.config.settings import HIGHEST_COUNT
from icu.control.errors import NoSupervisorError
from icu.control.places import CHOOSE, Place, names_of, places
from icu.control.protocol import (
    Answer,
    AnyAnswer,
    Children,
    ControlOrder,
    Done,
    LogEntry,
    Logs,
    Missed,
    Request,
    ScenarioStarted,
    Supervisors,
    is_up,
)
from icu.errors import UsageError
from icu.supervisor.view import ChildState, ChildView
from icu.ward.orders import ORDERS, BeginScenario, Scale, Status, Tree

# Exit code where some of the requested children do not run; the same as supervisorctl's.
NOT_RUNNING: Final = 3

# Seconds between two looks.
WATCH_EVERY: Final = 1.0

# Patients that are listed by name; more of them are counted.
MAX_LISTED: Final = 20

_Answer = TypeVar("_Answer", bound=Answer)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--watch", is_flag=True, help="Look again every second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array a line.")
@config_option
def status(ids: tuple[str, ...], config: Path | None, *, watch: bool, as_json: bool) -> None:
    """Show how the children are; all of them, or those that match. Quote patterns: 'bed-*'.

    Ends with 0 where all of them run, 3 where one does not, 4 where there is no such child, 75 without a supervisor.
    """
    from icu.cli.screen import is_screen

    supervisor = _find_supervisor(config)
    while True:
        answer = _ask(supervisor, Status(ids), Children, quick=True)
        if watch and is_screen(sys.stdout):
            click.clear()
        if as_json:
            click.echo(msgspec.json.encode(answer.children).decode())
        else:
            _show(answer.children, answer.beds)
        if not watch:
            break
        time.sleep(WATCH_EVERY)
    _exit_unless(answer, wanted=is_up)


@click.command()
@click.argument("group", metavar="ID")
@click.argument("count", type=Whole(0, HIGHEST_COUNT), metavar="N")
@config_option
def scale(group: str, count: int, config: Path | None) -> None:
    """Run the child ID, which has a `count`, N times: as ID-1 to ID-N.

    The highest numbers come and go; all others go on. The patients of beds that go are no longer monitored, their
    stored readings stay, and a bed that comes back has the same patient. The file is not changed: the next `reload` or
    start goes back to its `count`. Ends with 3 where a started child does not run then.
    """
    answer = _ask(_find_supervisor(config), Scale(group, count), Done)
    click.echo(answer.what)
    until = "until the next reload or start, which take the file's `count` again"
    click.echo(f"{escape_control(group)} runs {count} times {until}")
    _print_done(answer)


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[BED] SCENARIO")
@click.option("--url", help="Ask the patient's own port, such as http://127.0.0.1:8101, and no supervisor.")
@config_option
def scenario(words: tuple[str, ...], url: str | None, config: Path | None) -> None:
    """Begin a scenario for patients now; `stable` ends the current one, and `scenarios` lists them all.

    BED is a child's id, a patient's name or uuid, or a pattern: 'bed-*'; `beds` is all. With --url, which knows no ids,
    it may be left out where there is one patient. Ends with 3 where it does not begin for all of them, 4 where there is
    no such bed, 64 where there is no such scenario.
    """
    *bed, name = words
    if len(bed) > 1 or not (bed or url):
        raise UsageError("say who, and which scenario: python -m icu scenario BED SCENARIO; quote names")
    supervisor = _find_supervisor(config)
    if url is None:
        _print_scenario(_ask(supervisor, BeginScenario(bed[0], name), ScenarioStarted), name)
    else:
        from icu.cli.bedside import begin_scenario

        _print_scenario(begin_scenario(url, bed[0] if bed else None, name), name)


@click.command()
def scenarios() -> None:
    """List the scenarios: name, title, how often a day they begin by chance, and what there is to know."""
    from icu.patient.scenarios import load_scenarios

    for line in scenario_table(load_scenarios(packaged("config", "scenarios")).values()):
        click.echo(line)


@click.command()
@config_option
def tree(config: Path | None) -> None:
    """Show the supervisors with their rules, and below each its children."""
    for line in outline(_ask(_find_supervisor(config), Tree(), Supervisors, quick=True)):
        click.echo(line)


@click.command()
@click.argument("child", required=False, metavar="[ID]")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is logged from now on, until Ctrl-C.")
@config_option
def logs(child: str | None, config: Path | None, *, follow: bool) -> None:
    """Show the supervisor's last 1,000 log records, or those of them about the child ID, or 'bed-*'."""
    import anyio

    supervisor = _find_supervisor(config)
    with supervisor.reporting_mistake():
        anyio.run(_print_records, supervisor, Logs(child, follow))


# Fields of orders that are more than a single word on the command line.
_ARGUMENTS: Final = {"ids": click.argument("ids", nargs=-1, required=True, metavar="ID...")}


def _command(order: type[ControlOrder]) -> click.Command:
    """Make the command of an order: its fields are the arguments, and the children are shown afterwards."""

    def command(config: Path | None, **given: object) -> None:
        try:
            request = msgspec.convert(given, order, strict=False)
        except msgspec.ValidationError as exc:
            raise UsageError(str(exc)) from exc
        _print_answer(_ask(_find_supervisor(config), request, Answer), wanted=is_up if order.leaves_up else _is_down)

    # Click applies decorators from the inside out: the last argument first.
    for name in reversed(order.__struct_fields__):
        command = _ARGUMENTS.get(name, click.argument(name))(command)
    return click.command(_tag(order), help=inspect.getdoc(order))(config_option(command))


def _tag(order: type[ControlOrder]) -> str:
    return str(order.__struct_config__.tag)


# Orders whose commands do more than pass their fields on and show the children.
_OWN_COMMANDS: Final = {_tag(Status): status, _tag(Tree): tree, _tag(Scale): scale, _tag(BeginScenario): scenario}

COMMANDS: Final = (*(_OWN_COMMANDS.get(_tag(each)) or _command(each) for each in ORDERS), scenarios, logs)


@dataclass(frozen=True)
class _Supervisor:
    """Addresses at which the supervisor may listen, and the current mistake in its file."""

    places: Sequence[Place]
    mistake: ConfigurationError | None = None

    @contextmanager
    def reporting_mistake(self) -> Iterator[None]:
        """Report a mistake in the file beside the answer, or, where nothing answers, as the reason."""
        try:
            yield
        except NoSupervisorError as exc:
            raise self.mistake or exc from None
        if self.mistake is not None:
            click.echo(f"icu: the ward goes on as it was started; but {escape_control(str(self.mistake))}", err=True)


def _find_supervisor(config: Path | None) -> _Supervisor:
    print_any_letter()
    # Links that running wards made under the file's name: they lead to the socket whatever the file says by now.
    names = [place for place in names_of(chosen_file(config, os.environ)) if os.path.islink(place.path)]  # noqa: PTH114 - never an error
    try:
        return _Supervisor([*places(prepare(config, None)), *names])
    except ConfigurationError as exc:
        # The running ward began with a correct file: look for it at the addresses that do not depend on the file.
        named = places(from_environment(os.environ)) if any(map(os.environ.get, CHOOSE)) else []
        return _Supervisor([*named, *names], exc)


def _ask(supervisor: _Supervisor, request: Request, kind: type[_Answer], *, quick: bool = False) -> _Answer:
    """Ask the supervisor.

    Args:
        supervisor: Where to ask.
        request: The order or question.
        kind: Expected type of the answer.
        quick: True for questions that take no work: a hanging supervisor is then reported within the client's deadline.
    """
    import anyio

    from icu.control.client import ANSWER_DEADLINE, ask
    from icu.ops.awake import AwakeLoop

    with supervisor.reporting_mistake():
        asking = partial(ask, supervisor.places, request, kind, deadline=ANSWER_DEADLINE if quick else None)
        return anyio.run(asking, backend_options={"loop_factory": AwakeLoop})


def _print_answer(answer: Answer, *, wanted: Callable[[ChildView], bool]) -> None:
    match answer:
        case Children():
            _show(answer.children, answer.beds)
            _exit_unless(answer, wanted=wanted)
        case Done():
            click.echo(answer.what)
            _print_done(answer)


def _print_done(answer: Done) -> None:
    if answer.children:
        _show(answer.children, answer.beds)
    _exit_unless(Children(answer.children), wanted=is_up)


def _is_down(child: ChildView) -> bool:
    return child.state in {ChildState.PENDING, ChildState.STOPPED, ChildState.EXITED, ChildState.FAILED}


def _show(children: Sequence[ChildView], beds: Sequence[str]) -> None:
    from icu.cli.screen import show

    show(children, beds)


def _print_problems(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(f"icu: {escape_control(problem)}", err=True)


def _exit_unless(answer: Children, *, wanted: Callable[[ChildView], bool]) -> None:
    _print_problems(answer.problems)
    if answer.problems or not all(map(wanted, answer.children)):
        raise Exit(NOT_RUNNING)


def _print_scenario(answer: ScenarioStarted, name: str) -> None:
    """Print the patients in the scenario, and the problems of the others."""
    if len(answer.patients) > MAX_LISTED:
        click.echo(f"{name}: {len(answer.patients)} patients")
    else:
        for patient in answer.patients:
            click.echo(escape_control(patient))
    _print_problems(answer.problems)
    if answer.problems:
        raise Exit(NOT_RUNNING)


async def _print_records(supervisor: _Supervisor, request: Logs) -> None:
    from icu.control.client import talk

    lines = []
    async for answer in talk(supervisor.places, request):
        line = _format_record(answer)
        # `--follow` prints each record at once. Otherwise all are fetched first: a slow terminal must not keep the
        # supervisor's connection busy.
        if request.follow:
            click.echo(line)
        else:
            lines.append(line)
    if request.follow:
        raise NoSupervisorError("it has ended")
    for line in lines:
        click.echo(line)


def _format_record(answer: AnyAnswer) -> str:
    match answer:
        case LogEntry():
            return format_entry(answer)
        case Missed(count):
            return f"... {count} records came faster than they could be shown ..."
        case _:
            return ""
