"""`dead-letters`: records that could not be stored, as people look at them, replay, export and purge them.

Works on the configured database itself, whether or not a ward runs.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar, get_args

import rich_click as click

from icu.bounds import check_name, parse_duration
from icu.cli import letter_texts
from icu.cli.clinical.options import author, by_option
from icu.cli.options import Whole, Word, config_option, help_without_command, prepare, print_any_letter
from icu.errors import UsageError
from icu.messages import Reason

if TYPE_CHECKING:
    from icu.bootstrap.dead_letters import DeadLetters
    from icu.store.dead_letters.pages import Chosen

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Moment(click.ParamType):  # type: ignore[type-arg] # generic to mypy alone
    """A time, or a span before now: milliseconds since 1970."""

    name = "time"

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _moment(value)
        if found is None:
            self.fail(f"{value[:80]!r} is no time: write for instance 2026-01-31T07:00, or 24h", param, ctx)
        return found


def _moment(typed: str) -> int | None:
    with suppress(ValueError, OverflowError, OSError):
        # Without a zone it is local.
        return round(datetime.fromisoformat(typed).astimezone().timestamp() * 1000)
    with suppress(ValueError):
        return round((time.time() - parse_duration(typed)) * 1000)
    return None


_MOMENT: Final = Moment()
_MOST_LISTED: Final = 10_000


def choice_options(command: _Command) -> _Command:
    """Add the options that choose letters."""
    for option in (
        click.option("--partition", type=Whole(0, 2**31 - 1), help="Only of this partition."),
        click.option("--before", type=_MOMENT, metavar="TIME", help="Arrived before this time, or longer ago: 90d."),
        click.option("--since", type=_MOMENT, metavar="TIME", help="Arrived since this time, or so long ago: 24h."),
        click.option("--reason", type=Word(get_args(Reason)), help="Only of this reason."),
    ):
        command = option(command)
    return command


_ids = click.argument("ids", nargs=-1, metavar="[ID]...")
_all_option = click.option("--all", "everything", is_flag=True, help="All letters, where no other option chooses some.")


@click.group("dead-letters", invoke_without_command=True)
@click.pass_context
def dead_letters(context: click.Context) -> None:
    """Look at records that could not be stored, replay them after a fix, export and purge them.

    ID is PARTITION:OFFSET, as `list` shows it.
    """
    help_without_command(context)


@dead_letters.command("list")
@choice_options
@click.option("--replayed/--not-replayed", default=None, help="Only those that were replayed, or were not.")
@click.option("--limit", type=Whole(1, _MOST_LISTED), default=50, help="Letters at most; 50 when not given.")
@click.option("--after", metavar="ID", help="Only those behind this one, the last of a list before.")
@config_option
def list_letters(config: Path | None, limit: int, after: str | None, **choice: object) -> None:
    """List the letters, the newest first, and count them by reason."""
    with _opened(config) as letters:
        chosen, naming = _chosen(choice), letters.naming()
        found = list(letters.entries(chosen, most=limit, after=after))
        for line in letter_texts.table([(naming.name(key), each) for key, each in found]):
            click.echo(line)
        click.echo(letter_texts.counts(letters.reasons(chosen)))
        if len(found) == limit:
            click.echo(f"more behind these: --after {naming.name(found[-1][0])}, or --limit")


@dead_letters.command()
@click.argument("letter_id", metavar="ID")
@config_option
def show(letter_id: str, config: Path | None) -> None:
    """Show one letter: reason, key, headers and value."""
    with _opened(config) as letters:
        [(key, entry, value)] = letters.named([letter_id])
        for line in letter_texts.whole(letters.naming().name(key), entry, value):
            click.echo(line)


@dead_letters.command()
@_ids
@choice_options
@_all_option
@click.option("--again", is_flag=True, help="Replay those too that were replayed already.")
@by_option
@config_option
def replay(
    ids: tuple[str, ...],
    by: str | None,
    config: Path | None,
    *,
    everything: bool,
    again: bool,
    **choice: object,
) -> None:
    """Have the sink read letters again, after a fix: each reading is stored once, with its own time.

    The sink does it when it runs, between two batches; `show` tells what came of it. The letters stay. One whose value
    was cut at 64 KiB cannot be replayed.
    """
    _check_choice("replay", ids, choice, everything=everything)
    name = _name(by)
    with _opened(config) as letters:
        if ids:
            asked, left_out = letters.replay(ids, name, again=again).asked, Counter[str]()
        else:
            asked, left_out = 0, Counter[str]()
            for part in letters.replay_chosen(_chosen(choice), name, again=again):
                asked += part.asked
                left_out.update(part.left_out)
        click.echo(f"{_letters(asked)} to be replayed by the sink")
        if left_out:
            click.echo(letter_texts.left_out(dict(left_out)))


@dead_letters.command()
@_ids
@choice_options
@click.option("--out", type=click.Path(path_type=Path), help="The file; standard output when not given.")
@config_option
def export(ids: tuple[str, ...], out: Path | None, config: Path | None, **choice: object) -> None:
    """Write letters as JSON lines, the newest first, as GET /dead-letters has them.

    Key, value and headers are text where they are UTF-8, and else base64, as a field beside them says.
    """
    if ids and _is_given(choice):
        raise UsageError("IDs name the letters: leave --reason, --since, --before and --partition out, or the IDs")
    with _opened(config) as letters, _output(out) as file:
        for line in letters.lines(ids, _chosen(choice)):
            file.write(line + b"\n")


@dead_letters.command()
@_ids
@choice_options
@_all_option
@click.option("--yes", is_flag=True, help="Delete them: without it, only their number is told.")
@by_option
@config_option
def purge(
    ids: tuple[str, ...],
    by: str | None,
    config: Path | None,
    *,
    everything: bool,
    yes: bool,
    **choice: object,
) -> None:
    """Delete letters for ever. `export` saves them first."""
    _check_choice("purge", ids, choice, everything=everything)
    name = _name(by)
    with _opened(config) as letters:
        if not yes:
            named = _letters(len(letters.named(ids))) if ids else None
            click.echo(f"would delete {named or letter_texts.counts(letters.reasons(_chosen(choice)))}")
            click.echo("nothing is deleted without --yes")
            return
        deleted = letters.purge(ids, name) if ids else sum(letters.purge_chosen(_chosen(choice), name))
        click.echo(f"{_letters(deleted)} deleted")


@contextmanager
def _opened(config: Path | None) -> "Iterator[DeadLetters]":
    settings = prepare(config, None)
    print_any_letter()
    from icu.bootstrap.dead_letters import opened_letters

    with opened_letters(settings) as letters:
        yield letters


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    from icu.study.output import open_output

    if path is None or path == Path("-"):
        yield sys.stdout.buffer
    else:
        with open_output(path) as file:
            yield file


def _chosen(choice: Mapping[str, object]) -> "Chosen":
    from icu.bootstrap.dead_letters import chosen

    return chosen(choice)


def _is_given(choice: Mapping[str, object]) -> bool:
    return any(value is not None for value in choice.values())


def _check_choice(command: str, ids: tuple[str, ...], choice: Mapping[str, object], *, everything: bool) -> None:
    """Check that letters were chosen in one way: by ids, by options, or all of them.

    Raises:
        UsageError: They were chosen in no way, or in several.
    """
    ways = bool(ids) + _is_given(choice) + everything
    if ways == 0:
        raise UsageError(f"say which letters to {command}: ID..., --reason REASON, or --all")
    if ways > 1:
        raise UsageError(f"say in one way which letters to {command}: ID..., options that choose them, or --all")


def _name(by: str | None) -> str:
    try:
        return check_name(author(by).strip())
    except ValueError as exc:
        raise UsageError(f"--by: {exc}") from exc


def _letters(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"
