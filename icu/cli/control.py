"""`status`, `restart`, `logs` and the like: how people see and steer a supervisor that runs."""

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

from icu.cli.listing import catalogue, entry, harmless, outline
from icu.cli.options import Whole, config_option, prepare
from icu.config.errors import ConfigurationError
from icu.config.load import chosen_file, of_environment, packaged
from icu.config.settings import HIGHEST_COUNT
from icu.control.errors import NoSupervisorError
from icu.control.places import CHOOSE, Place, names_of, places
from icu.control.protocol import (
    Answer,
    AnyAnswer,
    Children,
    Done,
    LogEntry,
    Logs,
    Missed,
    Order,
    Request,
    ScenarioStarted,
    Supervisors,
    is_up,
)
from icu.errors import UsageError
from icu.supervisor.view import ChildState, ChildView
from icu.ward.orders import ORDERS, Befall, Scale, Status, Tree

NOT_RUNNING: Final = 3
"""Exit code where not all that was asked for runs, as supervisorctl's users know it."""

WATCH_EVERY: Final = 1.0
"""Seconds between two looks."""

NAMED: Final = 20
"""Patients who are listed; more of them are counted."""

_Answer = TypeVar("_Answer", bound=Answer)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--watch", is_flag=True, help="Look again every second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array a line.")
@config_option
def status(ids: tuple[str, ...], config: Path | None, *, watch: bool, as_json: bool) -> None:
    """How the children are; all of them, or those that match. Quote patterns: 'bed-*'.

    Ends with 0 where all of them run, 3 where one does not, 4 where there is no such child, 75 without a supervisor.
    """
    from icu.cli.screen import is_screen

    address = _prepared(config)
    while True:
        told = _asked(address, Status(ids), Children, hurry=True)
        if watch and is_screen(sys.stdout):
            click.clear()
        if as_json:
            _say(msgspec.json.encode(told.children).decode())
        else:
            _show(told.children, told.beds)
        if not watch:
            break
        time.sleep(WATCH_EVERY)
    _end(told, wanted=is_up)


@click.command()
@click.argument("group", metavar="ID")
@click.argument("count", type=Whole(0, HIGHEST_COUNT), metavar="N")
@config_option
def scale(group: str, count: int, config: Path | None) -> None:
    """Run the child ID, which has a `count`, N times: as ID-1 to ID-N.

    The highest numbers come and go; whoever stays is not touched. The patients of beds that go are no longer monitored,
    what is stored of them stays, and a bed that comes back has the same patient. The file is not changed: the next
    `reload` or start goes back to the `count` that it says. Ends with 3 where one that was started does not run then.
    """
    told = _asked(_prepared(config), Scale(group, count), Done)
    _say(told.what)
    _say(f"{harmless(group)} runs {count} times until the next reload or start, which take the file's `count` again")
    _finish(told)


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[BED] SCENARIO")
@click.option("--url", help="Ask the patient's own port, such as http://127.0.0.1:8101, and no supervisor.")
@config_option
def scenario(words: tuple[str, ...], url: str | None, config: Path | None) -> None:
    """Let a scenario befall patients now; `stable` ends whatever does, and `scenarios` lists them all.

    BED is a child's id, a patient's name or uuid, or a pattern: 'bed-*'; `beds` is all. With --url, which knows no ids,
    it may be left out where there is one patient. Ends with 3 where it did not befall all of them, 4 where there is no
    such bed, 64 where there is no such scenario.
    """
    *bed, name = words
    if len(bed) > 1 or not (bed or url):
        raise UsageError("say whom, and what is to befall them: python -m icu scenario BED SCENARIO; quote names")
    address = _prepared(config)
    if url is None:
        _tell(_asked(address, Befall(bed[0], name), ScenarioStarted), name)
    else:
        from icu.cli.bedside import befall

        _tell(befall(url, bed[0] if bed else None, name), name)


@click.command()
def scenarios() -> None:
    """What may befall patients: name, title, how often in a day it does by chance, and what there is to know."""
    from icu.patient.scenarios import load_scenarios

    for line in catalogue(load_scenarios(packaged("config", "scenarios")).values()):
        _say(line)


@click.command()
@config_option
def tree(config: Path | None) -> None:
    """The supervisors with their rules, and below each its children."""
    for line in outline(_asked(_prepared(config), Tree(), Supervisors, hurry=True)):
        _say(line)


@click.command()
@click.argument("child", required=False, metavar="[ID]")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is logged from now on, until Ctrl-C.")
@config_option
def logs(child: str | None, config: Path | None, *, follow: bool) -> None:
    """The supervisor's last 1,000 log records, or those of them that are about the child ID, or 'bed-*'."""
    import anyio

    address = _prepared(config)
    with address.minding():
        anyio.run(_print_records, address, Logs(child, follow))


_ARGUMENTS: Final = {"ids": click.argument("ids", nargs=-1, required=True, metavar="ID...")}
"""The fields of orders that are more than a word on the command line."""


def _command(order: type[Order]) -> click.Command:
    """An order as a command: its fields are given, and how the children are then is shown."""

    def command(config: Path | None, **given: object) -> None:
        try:
            request = msgspec.convert(given, order, strict=False)
        except msgspec.ValidationError as exc:
            raise UsageError(str(exc)) from exc
        _report(_asked(_prepared(config), request, Answer), wanted=is_up if order.leaves_up else _is_down)

    for name in reversed(order.__struct_fields__):
        command = _ARGUMENTS.get(name, click.argument(name))(command)
    return click.command(_name(order), help=inspect.getdoc(order))(config_option(command))


def _name(order: type[Order]) -> str:
    return str(order.__struct_config__.tag)


_BY_HAND: Final = {_name(Status): status, _name(Tree): tree, _name(Scale): scale, _name(Befall): scenario}
"""The orders whose commands have more to them than fields and an answer."""

COMMANDS: Final = (*(_BY_HAND.get(_name(each)) or _command(each) for each in ORDERS), scenarios, logs)


@dataclass(frozen=True)
class _Address:
    """Where the supervisor that is meant may listen, and what is wrong with its file by now."""

    places: Sequence[Place]
    mistake: ConfigurationError | None = None

    @contextmanager
    def minding(self) -> Iterator[None]:
        """A mistake in the file is told beside the answer; where there is no answer it is why."""
        try:
            yield
        except NoSupervisorError as exc:
            raise self.mistake or exc from None
        if self.mistake is not None:
            click.echo(f"icu: the ward goes on as it was started; but {harmless(str(self.mistake))}", err=True)


def _prepared(config: Path | None) -> _Address:
    # Names of people in a locale that has no letters for them are no reason to end.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # text files both
    names = [place for place in names_of(chosen_file(config, os.environ)) if os.path.islink(place.path)]  # noqa: PTH114 - never an error
    try:
        return _Address([*places(prepare(config, None)), *names])
    except ConfigurationError as exc:
        # What was right when the ward began need not be so now.
        named = places(of_environment(os.environ)) if any(map(os.environ.get, CHOOSE)) else []
        return _Address([*named, *names], exc)


def _asked(address: _Address, request: Request, kind: type[_Answer], *, hurry: bool = False) -> _Answer:
    """The answer; with `hurry` to a question that takes no work, so that one who hangs holds nobody up."""
    import anyio

    from icu.control.client import ANSWER_DEADLINE, ask
    from icu.ops.awake import AwakeLoop

    with address.minding():
        asking = partial(ask, address.places, request, kind, deadline=ANSWER_DEADLINE if hurry else None)
        return anyio.run(asking, backend_options={"loop_factory": AwakeLoop})


def _report(told: Answer, *, wanted: Callable[[ChildView], bool]) -> None:
    match told:
        case Children():
            _show(told.children, told.beds)
            _end(told, wanted=wanted)
        case Done():
            _say(told.what)
            _finish(told)


def _finish(told: Done) -> None:
    if told.children:
        _show(told.children, told.beds)
    _end(Children(told.children), wanted=is_up)


def _is_down(child: ChildView) -> bool:
    return child.state in {ChildState.PENDING, ChildState.STOPPED, ChildState.EXITED, ChildState.FAILED}


def _show(children: Sequence[ChildView], beds: Sequence[str]) -> None:
    from icu.cli.screen import show

    show(children, beds)


def _complain(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(f"icu: {harmless(problem)}", err=True)


def _end(told: Children, *, wanted: Callable[[ChildView], bool]) -> None:
    _complain(told.problems)
    if told.problems or not all(map(wanted, told.children)):
        raise click.exceptions.Exit(NOT_RUNNING)  # type: ignore[attr-defined] # rich_click hands it on untyped


def _tell(told: ScenarioStarted, name: str) -> None:
    """Whom a scenario befell, and whom it did not."""
    if len(told.patients) > NAMED:
        _say(f"{name}: {len(told.patients)} patients")
    else:
        for patient in told.patients:
            _say(harmless(patient))
    _complain(told.problems)
    if told.problems:
        raise click.exceptions.Exit(NOT_RUNNING)  # type: ignore[attr-defined] # rich_click hands it on untyped


async def _print_records(address: _Address, request: Logs) -> None:
    from icu.control.client import talk

    lines = []
    async for answer in talk(address.places, request):
        line = _line(answer)
        # Whoever follows sees each record at once; otherwise the supervisor need not wait for a slow reader of ours.
        if request.follow:
            _say(line)
        else:
            lines.append(line)
    if request.follow:
        raise NoSupervisorError("it has ended")
    for line in lines:
        _say(line)


def _line(answer: AnyAnswer) -> str:
    match answer:
        case LogEntry():
            return entry(answer)
        case Missed(count):
            return f"... {count} records came faster than they could be shown ..."
        case _:
            return ""


def _say(line: str) -> None:
    click.echo(line)
