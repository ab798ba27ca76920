"""Emulated patients of one child, built from its settings."""

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
    """Build the patients of a child. Reads its recording, if there is one.

    Args:
        child: Settings of the child.
        scenarios: All scenarios by name, for orders.
        interval: Seconds between observations, unless the child has an interval of its own.
        telemetry: Counts the empty rows of a recording.
        launch: Time at which the replay of a recording began, if that was in an earlier process.

    Raises:
        ConfigurationError: The settings contradict the recording or each other.
        RecordingError: The recording cannot be replayed.
    """
    identities = [_identity(child, name) for name in names_of(child)]
    if child.recording is not None:
        return EmulatedPatients(_replayed_bays(child, child.recording, launch, telemetry), scenarios)
    bays = _simulated_bays(child, identities, scenarios, child.interval or interval, datetime.now(UTC))
    # At speed 1 or less the patients never catch up with now: there is no progress to show.
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
    """Deal the patients to bays that are spread over the interval: all at one moment would be a burst."""
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
    # Whole milliseconds, as the store keeps times.
    return start.replace(microsecond=start.microsecond // 1_000 * 1_000)


def _scenario_of(child: PatientChild, scenarios: Mapping[str, Scenario]) -> Scenario | None:
    if child.scenario is None:
        return None
    if child.scenario not in scenarios:
        raise ConfigurationError(f"{child.id}: {UnknownScenarioError(child.scenario, list(scenarios))}")
    return scenarios[child.scenario]


def _replayed_bays(child: PatientChild, path: Path, launch: datetime | None, telemetry: Telemetry) -> Sequence[Bay]:
    """Make a bay for each patient of the recording. All of them begin at the same time."""
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
    """Return the identities of the recorded patients: the child's own for one; `CHILD/PATIENT` for several.

    Raises:
        ConfigurationError: Several patients would share the child's uuid.
        RecordingError: Two patients have the same name once it is normalized.
    """
    if len(recordings) > 1 and child.uuid is not None:
        why = f"{path} holds {len(recordings)} patients, who cannot have one uuid: leave it out"
        raise ConfigurationError(f"{child.id}: {why}, it is made from their names")
    # A slash cannot stand in a file's name: patient 1 of a.csv differs from the patient of `a 1.csv`.
    names = [f"{child.name}/{each.patient}" if len(recordings) > 1 else child.name for each in recordings]
    found: dict[UUID, Identity] = {}
    for identity in [_identity(child, name) for name in names]:
        other = found.setdefault(identity.uuid, identity)
        if other is not identity:
            raise RecordingError(f"{child.id}: {path} calls two patients {identity.name}: rename one")
    return list(found.values())


def _log_findings(child: PatientChild, recordings: Sequence[Recording]) -> None:
    """Log how the file was read, and the rows and values that were left out."""
    log = logger.bind(child=child.id)
    for note in recordings[0].notes:
        log.info("the recording: {}", note)
    if skipped := sum(each.skipped for each in recordings):
        log.info("{} rows of the recording hold no sign: skipped", skipped)
    if impossible := sum(each.impossible for each in recordings):
        log.info("{} values cannot have been measured: left out", impossible)


def _origin(child: PatientChild, path: Path, recording: Recording, launch: datetime) -> datetime:
    origin = child.start or origin_of(recording, launch=launch, speed=child.speed)
    try:
        check_origin(recording, origin)
    except ValueError as exc:
        why = f"begins at {origin.isoformat()}, and a row of it {exc}: choose another start"
        raise RecordingError(f"{child.id}: {path} {why}") from exc
    return origin
