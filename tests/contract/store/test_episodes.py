"""Episodes and beds in the store: all fields come back, and each change compares with the version before."""

from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from icu.alarms.effects import BedChange, Change
from icu.alarms.episodes import Acknowledgement, BedState, Episode, Pause, Shelf, Standby, episode_id
from icu.store.alarms import episodes
from icu.store.decisions import beds
from icu.store.engines.base import Engine
from icu.store.engines.table import engine_of
from icu.store.errors import VersionConflictError
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, desaturation, rows, store


@pytest.fixture
async def engine(url: str, writer: Writer) -> Engine:
    """Engine on a database with Anna and Boris."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    return engine_of(url)


_DELETE = text("DELETE FROM outbox")

FULL = desaturation(
    onsets=(NOON, NOON + 5_000),
    dues=(None, NOON + 15_000),
    clearing_since=1,
    clearing_due=2,
    blind_since=3,
    blind_total=4,
    ceased=5,
    ended=6,
    end_reason="acknowledged",
    ended_by="Boris",
    ward_limits=7,
    patient_limits=8,
    last_valid_at=9,
    late=True,
    repeats=10,
    sounded=16,
    acknowledged=Acknowledgement("Anna", 11, "why"),
    reminder_due=12,
    unanswered_due=13,
    unanswered=True,
    shelved=Shelf(14, "Carl", "suction", 15),
    inhibition="shelved",
)


@pytest.mark.parametrize("stored", [desaturation(), FULL])
async def test_an_episode_comes_back_whole(engine: Engine, stored: Episode) -> None:
    """Each field of an episode is stored and read, set or not."""
    await engine.transact(lambda each: episodes.insert(each, stored))
    assert await engine.transact(lambda each: episodes.episode(each, stored.id)) == stored
    await engine.aclose()


async def test_an_alarm_of_the_ward_is_nobodys(engine: Engine) -> None:
    """The ward's own alarm has the nil uuid for a patient, before and after."""
    ward = replace(desaturation(), patient=UUID(int=0), condition="ward.blind", onsets=(1,), dues=(None,))
    await engine.transact(lambda each: episodes.insert(each, ward))
    assert await engine.transact(episodes.open_episodes) == [ward]
    await engine.aclose()


async def test_open_ones_of_a_patient(engine: Engine) -> None:
    """Open episodes are those that have not ended, of the one patient."""
    await engine.transact(lambda each: episodes.insert(each, desaturation()))
    assert await engine.transact(lambda each: episodes.open_episodes(each, ANNA)) == [desaturation()]
    assert await engine.transact(lambda each: episodes.open_episodes(each, BORIS)) == []
    ended = replace(desaturation(), version=2, ended=NOON)
    await engine.transact(lambda each: episodes.save(each, [Change(ended, 1, "end")], at=NOON))
    assert await engine.transact(episodes.open_episodes) == []
    await engine.aclose()


async def test_a_stale_version_changes_nothing(engine: Engine, url: str) -> None:
    """A change that was made from an older version is refused, with all that stands beside it."""
    await engine.transact(lambda each: episodes.insert(each, desaturation()))
    good = Change(replace(desaturation(), id=episode_id(ANNA, "pulse.low", NOON, 0), condition="pulse.low"), 0, "start")
    stale = Change(replace(desaturation(), version=3, seen=7), 2, "continue")
    with pytest.raises(VersionConflictError):
        await engine.transact(lambda each: episodes.save(each, [good, stale], at=NOON))
    gone = Change(replace(desaturation(), version=3, raised=None, ended=NOON), 2, None)
    with pytest.raises(VersionConflictError):
        await engine.transact(lambda each: episodes.save(each, [gone], at=NOON))
    with pytest.raises(VersionConflictError):
        await engine.transact(lambda each: episodes.insert(each, desaturation()))
    assert rows(url, "SELECT version, seen FROM alarms") == [(1, 1)]
    assert rows(url, "SELECT count(*) FROM outbox") == [(0,)]
    await engine.aclose()


async def test_events_go_to_the_outbox(engine: Engine, url: str) -> None:
    """Each change with an event appends one row, in order and with its time; silent ones append none."""
    await engine.transact(lambda each: episodes.insert(each, desaturation()))
    changes = [
        Change(replace(desaturation(), version=2), 1, "escalate"),
        Change(replace(desaturation(), version=3), 2, None),
        Change(replace(desaturation(), version=4, ended=NOON), 3, "end"),
    ]
    await engine.transact(lambda each: episodes.save(each, changes, at=NOON))
    has_version = "payload LIKE '%\"version\":' || version || ',%'"
    found = rows(url, f"SELECT sequence, alarm, version, event, {has_version} FROM outbox")
    alarm = str(desaturation().id)
    assert found == [(1, alarm, 2, "escalate", 1), (2, alarm, 4, "end", 1)]
    assert rows(url, "SELECT DISTINCT written FROM outbox") == [(NOON,)]
    await engine.aclose()


async def test_numbers_of_the_outbox_are_not_given_again(engine: Engine, url: str) -> None:
    """Published rows are deleted, and the next one has a higher number all the same."""
    await engine.transact(lambda each: episodes.insert(each, desaturation()))
    for version in (2, 3):
        change = Change(replace(desaturation(), version=version), version - 1, "update")
        await engine.transact(lambda each, change=change: episodes.save(each, [change], at=NOON))
        [(sequence,)] = rows(url, "SELECT sequence FROM outbox")
        assert sequence == version - 1
        await engine.transact(lambda each: each.execute(_DELETE, [{}]))
    await engine.aclose()


async def test_a_bed_comes_back_whole(engine: Engine) -> None:
    """Each field of a bed is stored and read, its label by another statement; the label stays until the discharge."""
    full = BedState(
        patient=ANNA,
        version=1,
        admitted=NOON,
        discharged_at=2,
        bed="1",
        paused=Pause(3, "Anna", 4, "medium"),
        standby=Standby(5, 6, "Boris", 7),
        shelves={"spo2.low": Shelf(8, "Carl", "why", 9)},
        clock_set_at=10,
        watched_from=11,
        watched_since=12,
        had=("pulse", "spo2"),
    )
    assert all(getattr(full, name) != getattr(BedState(patient=BORIS), name) for name in BedState.__struct_fields__)
    await engine.transact(lambda each: beds.save_beds(each, [BedChange(replace(full, bed=None), 0)]))
    assert await engine.transact(lambda each: beds.bed_state(each, ANNA)) == full
    discharged = BedState(patient=ANNA, version=2)
    await engine.transact(lambda each: beds.save_beds(each, [BedChange(discharged, 1)]))
    assert [each.bed for each in await engine.transact(beds.bed_states)] == [None, "2"]
    back = BedState(patient=ANNA, version=3, admitted=NOON)
    await engine.transact(lambda each: beds.save_beds(each, [BedChange(back, 2)]))
    assert [each.bed for each in await engine.transact(beds.bed_states)] == ["1", "2"]
    with pytest.raises(VersionConflictError):
        await engine.transact(lambda each: beds.save_beds(each, [BedChange(back, 2)]))
    await engine.aclose()
