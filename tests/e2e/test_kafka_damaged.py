"""A ward whose topic has damaged records: it runs on, and reports them to people and to machines."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from tests.brokers import ApacheKafka, own_kafka
from tests.e2e.conftest import Icu, Start
from tests.e2e.kafka import figure

TOPIC = "icu.damaged"
WARD = """
[transport]
kind = "kafka"

[[child]]
role = "sink"
process = {process}

[[child]]
role = "monitor"

[[child]]
role = "patient"
name = "Ward"
id = "ward"
patients = 20
"""


async def send(bootstrap: str, count: int) -> None:
    """Send numbers as one batch to partition 0."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    batch = producer.create_batch()
    for number in range(count):
        batch.append(key=None, value=b"%d" % (777_770 + number), timestamp=None)
    await (await producer.send_batch(batch, TOPIC, partition=0))
    await producer.stop()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A broker with two partitions and ten records on one of them, one of which is damaged on the disk."""
    with own_kafka(tmp_path_factory.mktemp("broker")) as broker:
        broker.start()
        broker.create_topic(TOPIC, 2)
        asyncio.run(send(broker.bootstrap, 10))
        broker.stop()
        broker.damage(TOPIC, 0, b"777775")
        broker.start()
        yield broker


@pytest.mark.parametrize("process", ["false", "true"])
def test_one_partition_cannot_be_read(
    damaged: ApacheKafka, start: Start, icu: Icu, tmp_path: Path, process: str
) -> None:
    """Patients of the other partition are stored and served; status, readiness, lag and log name the damaged one."""
    (tmp_path / "supervisor.toml").write_text(WARD.format(process=process))
    kafka = {"KAFKA_BOOTSTRAP_SERVERS": damaged.bootstrap, "KAFKA_TOPIC": TOPIC}
    ward = start("supervise", **kafka)
    ward.until("/patients", lambda response: response.status_code == 200 and 0 < len(response.json()) < 20)
    named = f"partition 0 of {TOPIC} cannot be read at offset 0"
    ward.until("/supervisor", lambda response: named in response.text and "degraded" in response.text)
    status = icu("status", **kafka)
    assert status.returncode == 3
    assert "degraded" in status.stdout
    assert named in status.stdout
    assert ward.get("/health/ready").status_code == 503
    assert sum(named in each["message"] for each in ward.records()) == 1
    if process == "false":
        figures = ward.get("/metrics")
        assert figure(figures, "icu_transport_up") == 0
        assert (figure(figures, "icu_sink_lag_records") or 0) >= 10
    assert ward.stop() == 0
