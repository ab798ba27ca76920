"""Children that are processes of their own: the command that starts one, and what becomes of its output."""

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
from loguru import logger

from icu.config.settings import AnyChild, PatientChild, Settings
from icu.ops.signals import SUPERVISED
from icu.supervisor.process import run_process
from icu.supervisor.spec import Start

_OPTIONS: Final = ("name", "uuid", "interval", "seed", "speed", "start")
_OF_RECORDINGS: Final = ("recording", "step")
_OF_SIMULATED: Final = ("patients", "scenario", "scenario_rate", "artefacts")
_PLACE: Final = ("module", "function", "line")
_OWN: Final = ("timestamp", "level", "message", "child", *_PLACE)

_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def process_actor(child: AnyChild, settings: Settings, *, config: str | None, grace: float) -> Start:
    """The child's role as a process, ready to be started."""
    return partial(
        run_process,
        command_of(child, config),
        grace=grace,
        watchdog=settings.supervisor.watchdog,
        on_line=partial(relay, child.id or child.role),
        environ={**os.environ, SUPERVISED: "1"},
    )


def command_of(child: AnyChild, config: str | None) -> list[str]:
    """`python -m icu run ROLE` with all that makes this child."""
    words = [sys.executable, "-m", "icu", "run", child.role, "--log-format", "json", "--host", child.host]
    if config is not None:
        words += ["--config", config]
    if child.port is not None:
        words += ["--port", str(child.port)]
    if isinstance(child, PatientChild):
        options = (*_OPTIONS, *(_OF_SIMULATED if child.recording is None else _OF_RECORDINGS))
        values = {name: getattr(child, name) for name in options}
        if child.recording is None and child.start is None:
            del values["speed"]
        for name, value in values.items():
            words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    return words


def relay(child_id: str, line: str) -> None:
    """Log a line of a child process as our own record, with its level, its place and its context."""
    log = logger.bind(child=child_id)
    try:
        record = _decoder.decode(line)
        said = msgspec.convert(record, _Said)
        level = logger.level(said.level).name
    except (msgspec.DecodeError, ValueError, RecursionError):  # a stack, or another program's words
        log.warning("{}", line)
    else:
        log.patch(partial(_move, record)).log(level, "{}", said.message)


class _Said(msgspec.Struct):
    """What makes a line a record."""

    level: str
    message: str


def _move(theirs: Mapping[str, Any], ours: Any) -> None:  # noqa: ANN401 - loguru's record
    ours.update({name: theirs[name] for name in _PLACE if name in theirs})
    ours["extra"].update({name: value for name, value in theirs.items() if name not in _OWN})
