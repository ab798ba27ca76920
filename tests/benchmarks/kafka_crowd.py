"""What a crowd costs: CPU time of one process that plays 10,000 patients into Kafka, and where it goes."""

import gc
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from prometheus_client import CollectorRegistry

from icu.config.load import packaged
from icu.messages import encode, uuid_of_name
from icu.patient.beds import Identity, SimulatedBed
from icu.patient.emulator import clock, emulate
from icu.patient.outbox import Outbox
from icu.patient.physiology import Physiology
from icu.patient.scenarios import load_scenarios
from icu.patient.telemetry import Telemetry
from tests.benchmarks.kafka_topics import new_topic, open_transport
from tests.benchmarks.stream import share
from tests.benchmarks.wards import aside
from tests.brokers import Broker

PATIENTS = 10_000
INTERVAL = 5.0
WARMING = 10.0
ROUNDS = 5


def main(broker: Broker) -> None:
    """Print the share of a core (goal: 5 %), the whole and its parts."""
    with new_topic(broker) as topic, aside(play, broker.bootstrap, topic) as process:
        time.sleep(WARMING)
        shares = [share(process, INTERVAL) for _ in range(ROUNDS)]
    print(f"{PATIENTS:,} patients             {median(shares):6.1%} of a core (goal 5 %)")
    for name, each in parts().items():
        print(f"  of which {name:18} {each:6.1%}")


async def play(bootstrap: str, topic: str) -> None:
    """Let the patients send until the process is ended."""
    occupied = beds()
    gc.freeze()  # as bootstrap does
    telemetry = Telemetry(CollectorRegistry())
    async with open_transport(bootstrap, topic) as transport:
        await emulate(beds=occupied, outbox=Outbox(), transport=transport, telemetry=telemetry)


def beds() -> list[SimulatedBed]:
    """Simulated patients who fall ill as in a ward."""
    scenarios = load_scenarios(packaged("config", "scenarios"))
    names = [f"patient {number}" for number in range(PATIENTS)]
    identities = [Identity(uuid_of_name(name), name) for name in names]
    return [SimulatedBed(each, Physiology(each.name, scenarios), interval=INTERVAL) for each in identities]


def parts() -> dict[str, float]:
    """The same work alone, in shares of a core: the rest is scheduling, the outbox and sending."""
    bodies = [Physiology(number) for number in range(PATIENTS)]
    occupied = beds()
    now = clock()
    physiology = seconds(lambda: [body.step(INTERVAL) for body in bodies])
    observing = seconds(lambda: [bed.observe(now) for bed in occupied])
    encoding = seconds(partial(encode, [bed.observe(now) for bed in occupied]))
    found = {"physiology": physiology, "observation": observing - physiology, "encoding": encoding}
    return {name: each / INTERVAL for name, each in found.items()}


def seconds(work: Callable[[], object]) -> float:
    """The median of several goes."""
    goes = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        goes.append(time.process_time() - began)
    return median(goes)
