"""The stage of several sinks: Kafka, PostgreSQL, three sinks and a guest, and senders with and without keys."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from signal import SIGQUIT

from icu.store.journal import entries as journal
from icu.transports.kafka.consumer import GROUP
from tests.brokers import ApacheKafka
from tests.chaos.actors import Actor, role
from tests.chaos.alarm_oracle import Episode, Pulse
from tests.chaos.evidence import PARTITIONS, STAMPED, Key, Reading, Stored, committed_of, ends_of
from tests.chaos.faults import Fault, Lot, Victim, freeze, kill, stop, suspend
from tests.chaos.keyless import Keyless
from tests.chaos.link import Link
from tests.chaos.stage import TOPIC, left_of, until
from tests.ports import free_ports
from tests.postgres import PostgresServer, ask, locked

PATIENTS = ("Anna", "Boris", "Иван Петров")
# Patients without keys: not a divisor of the partitions, so that each comes on all of them.
KEYLESS = 5
SINKS = 3
SETTINGS = """
metrics_interval = 0.1
[log]
level = "DEBUG"
[transport]
topic = "{topic}"
[kafka]
bootstrap_servers = "{bootstrap}"
[database]
url = "{url}"
"""

_READINGS = (
    "SELECT uuid, timestamp, pulse, resp_rate, systolic, diastolic, spo2, temperature"
    " FROM patient_metrics JOIN patients ON id = patient_id"
)
_KEY = (
    "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
    " WHERE indisprimary AND indrelid = 'patient_metrics'::regclass"
)
_NOTE_MOVES_BACK = """
CREATE TABLE moved_back (partition int, before bigint, after bigint);
CREATE FUNCTION note_move_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO moved_back VALUES (NEW.partition, OLD.next, NEW.next); RETURN NEW;
END $$;
CREATE TRIGGER note_move_back BEFORE UPDATE ON consumer_offsets FOR EACH ROW WHEN (NEW.next < OLD.next)
  EXECUTE FUNCTION note_move_back()
"""


class SharedStage:
    """Programs and their data, all running."""

    def __init__(self, broker: ApacheKafka, server: PostgresServer, folder: Path) -> None:
        self.broker, self.server = broker, server
        server.ask("CREATE DATABASE icu TEMPLATE template0")
        self.url = server.url("icu")
        self._folder = folder
        self._ports = free_ports(SINKS + 1 + len(PATIENTS))
        ports = iter(self._ports)
        names = [f"sink-{number}" for number in range(1, SINKS + 1)]
        # To the database, of each sink but the guest.
        self.links = {each: Link(server.port) for each in names}
        *self.sinks, self.guest = [
            role(each, ["sink", "--member", each], self._settings(each), next(ports)) for each in (*names, "guest")
        ]
        self.patients = [
            role(f"patient-{number}", ["patient", "--name", name], self._settings("patient"), next(ports))
            for number, name in enumerate(PATIENTS, start=1)
        ]
        self.keyless = Keyless(broker.bootstrap, TOPIC, PARTITIONS, KEYLESS)

    def _settings(self, name: str) -> Path:
        """Write the settings of a sink, with the address of its link, or of anybody else."""
        url = (
            self.url.replace(f":{self.server.port}/", f":{self.links[name].port}/") if name in self.links else self.url
        )
        path = self._folder / f"{name}.toml"
        path.write_text(SETTINGS.format(topic=TOPIC, bootstrap=self.broker.bootstrap, url=url))
        return path

    @property
    def actors(self) -> list[Actor]:
        """All that run for the whole time."""
        return [*self.patients, *self.sinks]

    @property
    def logs(self) -> list[Path]:
        """The logs of all runs."""
        return [log for actor in (*self.actors, self.guest) for log in actor.logs]

    def lots(self, *, freezes: bool) -> dict[str, Lot]:
        """Return the possible faults of each victim. Each freeze takes longer than a session."""
        sinks: list[Fault] = [kill, kill, suspend, stop, *([freeze] if freezes else [])]
        return {
            "broker": Lot(self.broker, (kill,), (8, 40)),
            "server": Lot(_Server(self.server, self.url), (kill, stop, suspend), (3, 15)),
            "guest": Lot(self.guest, (visit,), (2, 15)),
            **{actor.name: Lot(actor, sinks, (1, 15)) for actor in self.sinks},
            **{f"link of {name}": Lot(link, (kill, suspend), (3, 30)) for name, link in self.links.items()},
        }

    def note_moves_back(self) -> None:
        """Note in the database from now on where an offset moves back."""
        ask(self.url, _NOTE_MOVES_BACK)

    def moves_back(self) -> list[tuple[int, int, int]]:
        """Return the offsets that moved back: partition, before, and after."""
        return [(each[0], each[1], each[2]) for each in ask(self.url, "SELECT * FROM moved_back")]

    def has_enough(self) -> bool:
        """Check that each patient has readings to choose a limit by."""
        [(exists,)] = ask(self.url, "SELECT to_regclass('patient_metrics') IS NOT NULL")
        counts = exists and ask(self.url, "SELECT count(*) FROM patient_metrics GROUP BY patient_id")
        return bool(counts) and len(counts) == len(PATIENTS) + KEYLESS and min(counts) > (10,)

    def stored(self) -> Stored:
        """Read the database."""
        found = ask(self.url, _READINGS)
        [(letters,)] = ask(self.url, "SELECT count(*) FROM dead_letters")
        return Stored(
            [Reading((uuid, timestamp), tuple(signs)) for uuid, timestamp, *signs in found],
            letters,
            self.offsets(),
            {name for (name,) in ask(self.url, _KEY)},
        )

    def offsets(self) -> dict[int, int]:
        """Return the stored offsets."""
        return dict(ask(self.url, "SELECT partition, next FROM consumer_offsets"))

    def followed(self) -> list[Key]:
        """Return the keys of the readings that followers of the journal are told of, in this order."""
        uuids = dict(ask(self.url, "SELECT id, uuid FROM patients"))
        payloads = ask(self.url, "SELECT payload FROM journal ORDER BY batch")
        return [(uuids[row[0]], row[1]) for (payload,) in payloads for row in journal.decode(bytes(payload)).rows]

    def committed(self) -> dict[int, int]:
        """Return the offsets that are committed to the broker."""
        return committed_of(self.broker.bootstrap, TOPIC, f"{GROUP}.{TOPIC}")

    def episodes(self, patient: str) -> list[Episode]:
        """Read the alarms of a high pulse that were raised, oldest first."""
        sql = (
            "SELECT alarms.id, onset, raised, ended FROM alarms JOIN patients ON patients.id = patient_id"
            f" WHERE uuid = '{patient}' AND condition = 'pulse.high' AND raised IS NOT NULL ORDER BY onset"
        )
        return [Episode(*row) for row in ask(self.url, sql)]

    def pulses(self, patient: str, appends: Mapping[Key, int]) -> list[Pulse]:
        """Read the pulses of a patient, oldest first."""
        sql = (
            "SELECT timestamp, CASE WHEN quality LIKE '%pulse%' THEN NULL ELSE pulse END, timestamp + lag"
            f" FROM patient_metrics JOIN patients ON id = patient_id WHERE uuid = '{patient}' ORDER BY timestamp"
        )
        return [Pulse(at, value, appends[patient, at], arrived) for at, value, arrived in ask(self.url, sql)]

    def usual_pulse(self, patient: str) -> int:
        """Return the median of a patient's pulse, in whole beats."""
        sql = (
            "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY pulse) FROM patient_metrics"
            f" JOIN patients ON id = patient_id WHERE uuid = '{patient}'"
        )
        [(pulse,)] = ask(self.url, sql)
        return round(pulse / 100)

    def has_all(self) -> bool:
        """Check that all records of the topic are stored, and all events published."""
        return self.offsets() == ends_of(self.broker.bootstrap, TOPIC) and not ask(self.url, "SELECT 1 FROM outbox")

    def remains(self) -> list[str]:
        """Find processes and ports that outlive the actors."""
        return left_of(self._folder, self._ports)


@contextmanager
def raised(broker: ApacheKafka, server: PostgresServer, folder: Path) -> Iterator[SharedStage]:
    """Start all actors, and end them at the end."""
    broker.start()
    broker.create_topic(TOPIC, PARTITIONS, STAMPED)
    stage = SharedStage(broker, server, folder)
    try:
        for each in (*stage.links.values(), *stage.actors):
            each.start()
        stage.keyless.start()
        until(stage.has_enough, "not all that is sent is stored")
        yield stage
    finally:
        for actor in (*stage.actors, stage.guest):
            actor.clear()
        for link in stage.links.values():
            link.close()
        stage.keyless.stop()


def visit(victim: Victim, random: Random) -> None:
    """Start one more sink, which is killed or stopped after a while."""
    victim.start()
    time.sleep(random.uniform(2, 8))
    random.choice((victim.kill, victim.stop))()


class _Server:
    """PostgreSQL as a victim.

    `kill` cuts the sinks' sessions, `stop` ends the server at once, and it starts again. `suspend` is a long
    transaction of somebody who locks all offsets.
    """

    def __init__(self, server: PostgresServer, url: str) -> None:
        self._server = server
        self._url = url
        self._runs = True
        self._locking = ExitStack()

    def kill(self) -> None:
        self._server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'icu%'")

    def stop(self) -> None:
        self._server.stop(SIGQUIT)
        self._runs = False

    def start(self) -> None:
        if not self._runs:
            self._server.start()
            self._runs = True

    def suspend(self) -> None:
        self._locking.enter_context(locked(self._url, "LOCK TABLE consumer_offsets IN EXCLUSIVE MODE"))

    def resume(self) -> None:
        self._locking.close()
