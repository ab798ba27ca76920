"""The beds of one child, as its settings say."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from loguru import logger

from icu.bounds import check_name, check_time, check_uuid
from icu.config.errors import ConfigurationError
from icu.config.groups import names_of
from icu.config.settings import PatientChild
from icu.messages import uuid_of_name
from icu.patient.cohort import Cohort
from icu.patient.errors import RecordingError, UnknownScenarioError
from icu.patient.patients import Bay, EmulatedPatients, Identity
from icu.patient.recordings import read_recordings
from icu.patient.recordings.recording import Recording
from icu.patient.replayed import ReplayedBay, check_origin, origin_of
from icu.patient.scenarios import Scenario
from icu.patient.simulated import MIN_BAY_SPACING, SimulatedBay
from icu.patient.telemetry import Telemetry


def emulated_patients(
    child: PatientChild,
    scenarios: Mapping[str, Scenario],
    *,
    interval: float,
    telemetry: Telemetry,
    launch: datetime | None = None,
) -> EmulatedPatients:
    """The child's beds. ConfigurationError where they cannot be had as they are configured.

    `launch`: when the replay of a recording began, if that was in a process that is gone.
    """
    identities = [_identity(child, name) for name in names_of(child)]
    if child.recording is not None:
        return EmulatedPatients(_replayed_bays(child, child.recording, launch, telemetry), scenarios)
    bays = _simulated_bays(child, identities, scenarios, child.interval or interval, datetime.now(UTC))
    return EmulatedPatients(bays, scenarios, start=child.start if child.speed > 1 else None)


def _identity(child: PatientChild, name: str) -> Identity:
    try:
        return Identity(check_uuid(child.uuid or uuid_of_name(name)), check_name(name))
    except ValueError as exc:
        raise ConfigurationError(f"{child.id}: {exc}") from exc


def _simulated_bays(
    child: PatientChild,
    identities: Sequence[Identity],
    scenarios: Mapping[str, Scenario],
    interval: float,
    launch: datetime,
) -> Sequence[Bay]:
    """Bays that are spread over the interval, so that many patients are no burst."""
    chosen = _scenario_of(child, scenarios)
    start = _start_of(child, launch)
    count = min(len(identities), max(1, int(interval / MIN_BAY_SPACING)))
    bays = []
    for number in range(count):
        cohort = Cohort(
            identities[number::count],
            scenarios,
            start=start,
            seed=child.seed,
            rate=child.scenario_rate,
            artefacts=child.artefacts,
        )
        if chosen is not None:
            for patient in range(len(cohort.identities)):
                cohort.begin_scenario(patient, chosen)
        offset = number * interval / count
        bays.append(
            SimulatedBay(cohort, interval=interval, offset=offset, start=start, launch=launch, speed=child.speed)
        )
    return bays


def _start_of(child: PatientChild, launch: datetime) -> datetime:
    try:
        start = check_time(child.start or launch)
    except ValueError as exc:
        raise ConfigurationError(f"{child.id}: its start {exc}: choose another one") from exc
    if start > launch:
        logger.bind(child=child.id).info("begins at {}", start.isoformat())
    return start.replace(microsecond=start.microsecond // 1_000 * 1_000)


def _scenario_of(child: PatientChild, scenarios: Mapping[str, Scenario]) -> Scenario | None:
    if child.scenario is None:
        return None
    if child.scenario not in scenarios:
        raise ConfigurationError(f"{child.id}: {UnknownScenarioError(child.scenario, list(scenarios))}")
    return scenarios[child.scenario]


def _replayed_bays(child: PatientChild, path: Path, launch: datetime | None, telemetry: Telemetry) -> Sequence[Bay]:
    """A bay for each patient of the recording, who each begin at the same time."""
    recordings = read_recordings(path, step=child.step)
    identities = _recorded_identities(child, path, recordings)
    _log_findings(child, recordings)
    telemetry.empty.inc(sum(each.skipped for each in recordings))
    moment = launch or datetime.now(UTC)
    return [
        ReplayedBay(
            identity, recording, origin=_origin(child, path, recording, moment), speed=child.speed, launch=launch
        )
        for identity, recording in zip(identities, recordings, strict=True)
    ]


def _recorded_identities(child: PatientChild, path: Path, recordings: Sequence[Recording]) -> Sequence[Identity]:
    """The recorded patients: the child's patient, or several who are named after it and by what the file calls them."""
    if len(recordings) > 1 and child.uuid is not None:
        why = f"{path} holds {len(recordings)} patients, who cannot have one uuid: leave it out"
        raise ConfigurationError(f"{child.id}: {why}, it is made from their names")
    # A stroke, which no file's name has: patient 1 of a.csv is not that of `a 1.csv`.
    names = [f"{child.name}/{each.patient}" if len(recordings) > 1 else child.name for each in recordings]
    found: dict[UUID, Identity] = {}
    for identity in [_identity(child, name) for name in names]:
        other = found.setdefault(identity.uuid, identity)
        if other is not identity:
            raise RecordingError(f"{child.id}: {path} calls two patients {identity.name}: rename one")
    return list(found.values())


def _log_findings(child: PatientChild, recordings: Sequence[Recording]) -> None:
    """Tell what was made of the file."""
    said = logger.bind(child=child.id)
    for note in recordings[0].notes:
        said.info("the recording: {}", note)
    if skipped := sum(each.skipped for each in recordings):
        said.info("{} rows of the recording hold no sign: skipped", skipped)
    if impossible := sum(each.impossible for each in recordings):
        said.info("{} values cannot have been measured: left out", impossible)


def _origin(child: PatientChild, path: Path, recording: Recording, launch: datetime) -> datetime:
    origin = child.start or origin_of(recording, launch=launch, speed=child.speed)
    try:
        check_origin(recording, origin)
    except ValueError as exc:
        why = f"begins at {origin.isoformat()}, and a row of it {exc}: choose another start"
        raise RecordingError(f"{child.id}: {path} {why}") from exc
    return origin
