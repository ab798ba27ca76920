"""`run`: one role in its own process."""

import os
import sys
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from uuid import UUID

import rich_click as click
from msgspec.structs import replace

from icu.cli.options import (
    PATIENTS,
    PORT,
    RATE,
    SECONDS,
    SEED,
    SPEED,
    STEP,
    UUID_OF_PATIENT,
    config_option,
    given,
    help_without_command,
    insecure_option,
    log_format_option,
    parse_start,
    prepare,
    transport_option,
)
from icu.config.groups import mistake_in
from icu.config.handover import unpack
from icu.config.settings import LogForm, MonitorChild, PatientChild, Settings, SinkChild, TransportKind, UpkeepChild
from icu.errors import UsageError
from icu.ops import logs

_host_option = click.option("--host", help="The address to listen on; 127.0.0.1 unless set.")
_port_option = click.option("--port", type=PORT, help="The port to listen on, in place of the configured one.")
_require_broker_option = click.option(
    "--require-broker", is_flag=True, help="End with 75 when no broker answers, rather than wait for one."
)


@click.group(invoke_without_command=True)
@click.pass_context
def run(context: click.Context) -> None:
    """Run one role in this process, without a supervisor."""
    help_without_command(context)


@run.command()
@config_option
@log_format_option
@_host_option
@_port_option
@insecure_option
def monitor(
    config: Path | None, log_format: LogForm | None, host: str | None, port: int | None, *, insecure: bool
) -> None:
    """Serve the API on the database, beside a running `supervise` too."""
    settings = prepare(config, log_format)
    from icu.bootstrap.alone import run_role
    from icu.bootstrap.overrides import insecurely

    settings = insecurely(settings) if insecure else settings

    child = next((each for each in settings.child if isinstance(each, MonitorChild)), MonitorChild())
    run_role(settings, replace(child, **given(host=host, port=port)))


@run.command()
@config_option
@log_format_option
@transport_option
@_host_option
@click.option("--port", type=PORT, help="Serve health and figures on this port; without it, serve nothing.")
@click.option("--member", metavar="NAME", help="Its name among sinks of the same topic; WARD@HOST/ID unless set.")
@_require_broker_option
def sink(
    config: Path | None,
    log_format: LogForm | None,
    transport: TransportKind | None,
    host: str | None,
    port: int | None,
    member: str | None,
    *,
    require_broker: bool,
) -> None:
    """Store what Kafka brings. `run data` is the same."""
    settings = _prepared(config, log_format, transport)
    from icu.bootstrap.alone import run_role
    from icu.bootstrap.sinks import mistakes

    child = next((each for each in settings.child if isinstance(each, SinkChild)), SinkChild(id="sink"))
    # One, of however many the file has: others may run beside it, here or elsewhere.
    child = replace(child, count=None, **given(host=host, port=port, member=member))
    for where, why in mistakes(replace(settings, child=(child,))):
        raise UsageError(f"--{where.rpartition('.')[2]}: {why}")
    run_role(settings, child, require_broker=require_broker)


data = copy(sink)
# A copy: help shows the name that is stored in the command, not the one it is registered under.
data.name, data.help = "data", "Store what Kafka brings, as `run sink` does: the brief's name for it."
run.add_command(data)


@run.command()
@config_option
@log_format_option
@_host_option
@click.option("--port", type=PORT, help="Serve health and figures on this port; without it, serve nothing.")
def upkeep(config: Path | None, log_format: LogForm | None, host: str | None, port: int | None) -> None:
    """Roll readings up and delete what is old, as [retention] says, beside a running sink."""
    settings = prepare(config, log_format)
    from icu.bootstrap.alone import run_role

    child = next((each for each in settings.child if isinstance(each, UpkeepChild)), UpkeepChild(id="upkeep"))
    run_role(settings, replace(child, **given(host=host, port=port)))


@run.command(hidden=True)
@click.argument("child_id", metavar="ID")
@click.option("--launch", metavar="TIME", help="Since when the supervisor has run this child.")
def child(child_id: str, launch: str | None) -> None:  # noqa: ARG001 - the id shows in lists of processes
    """Run a child with `process = true`, for its supervisor. The settings come on standard input."""
    try:
        settings = unpack(sys.stdin.readline())
    except ValueError as exc:
        raise UsageError(
            "`run child` is for supervisors: type run patient, run sink, run monitor or run upkeep"
        ) from exc
    logs.configure(level=settings.log_level, form="json")
    from icu.bootstrap.alone import run_child

    run_child(settings, parse_start(launch))


@run.command()
@click.option("--name", required=True, help="Who lies in the bed. The same name is the same patient at every start.")
@click.option(
    "--uuid", type=UUID_OF_PATIENT, envvar="PATIENT_UUID", help="The patient's identity, if not made from the name."
)
@click.option("--interval", type=SECONDS, help="Seconds between two readings, in place of METRICS_INTERVAL.")
@click.option("--seed", type=SEED, help="The same seed is the same course.")
@click.option("--patients", type=PATIENTS, help="So many patients: NAME 1, NAME 2 and so on.")
@click.option("--scenario", help="Scenario of the patient from the start: a name of config/scenarios, such as sepsis.")
@click.option("--scenario-rate", type=RATE, help="How often others do by chance: 1 as their files say, 0 never.")
@click.option("--artefacts", type=RATE, help="How often sensors fail; 1 as is usual, 0 never.")
@click.option("--start", metavar="TIME", help="When the first reading was made, for instance 2026-01-31T12:00:00Z.")
@click.option("--speed", type=SPEED, help="How many times faster the time since --start passes; or max.")
@click.option(
    "--recording",
    type=click.Path(path_type=Path),
    help="Replay this CSV, PSV, WFDB (.hea) or .vital file, in place of simulating.",
)
@click.option("--step", type=STEP, help="Seconds between its rows, where it has no times.")
@config_option
@log_format_option
@transport_option
@_host_option
@click.option("--port", type=PORT, help="Serve identity, reading, health and figures; without it, serve nothing.")
@_require_broker_option
def patient(
    name: str,
    uuid: UUID | None,
    recording: Path | None,
    speed: float | None,
    step: float | None,
    start: str | None,
    config: Path | None,
    log_format: LogForm | None,
    transport: TransportKind | None,
    *,
    require_broker: bool,
    **others: object,
) -> None:
    """Emulate one bedside monitor that sends to Kafka. Run as many as you like, each with its own name and port."""
    # PATIENT_UUID is for this patient alone: in the settings it would be refused beside several patients.
    environ = {key: value for key, value in os.environ.items() if key != "PATIENT_UUID"}
    settings = _prepared(config, log_format, transport, environ)
    from icu.bootstrap.alone import run_role

    recording = recording and recording.absolute()
    times = given(speed=speed, step=step, start=parse_start(start))
    child = replace(_configured(settings, name), **given(uuid=uuid, recording=recording, **others), **times)
    if child.recording is None and step is not None:
        raise UsageError("--step is for --recording FILE: name the file too")
    if child.recording is None and child.start is None and speed is not None:
        raise UsageError("--speed is for the time since --start TIME, or for --recording FILE: give one of them too")
    mistake = mistake_in(child)
    if mistake is not None:
        raise UsageError(mistake)
    run_role(settings, child, require_broker=require_broker)


def _configured(settings: Settings, name: str) -> PatientChild:
    """Return the patient of this name in supervisor.toml, without its port, which may be in use there; or a new one."""
    beds = [each for each in settings.child if isinstance(each, PatientChild) and each.name == name]
    return replace(beds[0], port=None) if beds else PatientChild(id="bed", name=name)


def _prepared(
    config: Path | None,
    log_format: LogForm | None,
    transport: TransportKind | None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Load the settings of a role that runs alone, over Kafka.

    Raises:
        UsageError: The in-memory transport was asked for, which ends at the process.
    """
    if transport == "memory":
        raise UsageError(
            "a role that runs alone cannot use the in-memory transport, which lives inside one process: "
            "leave --transport out, or run all roles together (python -m icu supervise)"
        )
    return prepare(config, log_format, environ, transport=transport or "kafka")
