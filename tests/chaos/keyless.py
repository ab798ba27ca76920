"""A sender whose records have no key: readings of its patients come on every partition in turn."""

import json
import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

from confluent_kafka import Message, Producer

from tests.chaos.evidence import Acknowledged, reading_of

# Seconds between two readings, each of the next patient on the next partition.
PACE = 0.05


class Keyless:
    """Sender in a thread, which sends until it is stopped, also while the broker is away.

    Args:
        bootstrap: Address of the broker.
        topic: Topic to send to.
        partitions: Number of its partitions.
        patients: Number of patients.
    """

    def __init__(self, bootstrap: str, topic: str, partitions: int, patients: int) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[str] = []
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        )
        self._topic = topic
        self._partitions = partitions
        self._patients = [str(uuid4()) for _ in range(patients)]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more, and wait for what is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stopped.wait(PACE):
            patient = self._patients[number % len(self._patients)]
            time_of = datetime.fromtimestamp(time.time() // 0.001 / 1000, UTC).isoformat(timespec="milliseconds")
            value = {
                "patient_uuid": patient,
                "timestamp": time_of,
                "pulse": 60 + number % 60,
                "resp_rate": 15,
                "bp": "120/80",
                "spo2": 97,
                "temperature": 36.6,
            }
            self._send(number % self._partitions, value)
            self._producer.poll(0)
            number += 1
        self._producer.flush(60)

    def _send(self, partition: int, value: dict[str, object]) -> None:
        def on_delivery(error: object, _: Message) -> None:
            if error is None:
                self.acknowledged.append(Acknowledged(time.time(), reading_of(value)))
            else:
                self.refused.append(str(error))

        self._producer.produce(self._topic, json.dumps(value), partition=partition, on_delivery=on_delivery)
