"""CPU time of one process that plays 10,000 patients into Kafka, whole and by parts."""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from statistics import median

import psutil
from prometheus_client import CollectorRegistry

from icu.bootstrap.emulated import emulated_patients
from icu.config.load import packaged
from icu.config.settings import PatientChild
from icu.messages import encode
from icu.patient.cohort import Cohort
from icu.patient.emulator import clock, emulate
from icu.patient.patients import Bay
from icu.patient.scenarios import load_scenarios
from icu.patient.telemetry import Telemetry
from icu.transports.sending import SendBuffer
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
    print(f"{PATIENTS:,} patients              {median(shares):6.2%} of a core (goal 5 %)")
    print(f"  of which 1,000          {median(shares) * 1_000 / PATIENTS:6.2%}")
    print(f"  of memory each          {memory():6.1f} kB")
    for name, each in parts().items():
        print(f"  of which {name:18} {each:6.2%}")


async def play(bootstrap: str, topic: str) -> None:
    """Run the patients until the process is ended."""
    bays = crowd()
    gc.freeze()  # as bootstrap does
    telemetry = Telemetry(CollectorRegistry())
    async with open_transport(bootstrap, topic) as transport:
        await emulate(bays=bays, buffer=SendBuffer(), transport=transport, telemetry=telemetry)


def crowd() -> Sequence[Bay]:
    """Make the simulated patients of one child, with scenarios and artefacts at the usual rate."""
    child = PatientChild(id="crowd", name="patient", patients=PATIENTS)
    scenarios = load_scenarios(packaged("config", "scenarios"))
    return emulated_patients(child, scenarios, interval=INTERVAL, telemetry=Telemetry(CollectorRegistry())).bays


def parts() -> dict[str, float]:
    """Measure the parts of the work alone, in shares of a core: the rest is scheduling, the send buffer and sending."""
    cohorts = [Cohort(bay.identities, {}, start=clock(), seed=7, rate=1, artefacts=1) for bay in crowd()]
    moment = clock()
    stepping = seconds(partial(step, cohorts))
    observing = seconds(lambda: [each.observe([moment], INTERVAL) for each in cohorts])
    observations = [each.observe([moment], INTERVAL) for each in cohorts]
    encoding = seconds(lambda: [encode(each) for each in observations])
    found = {"bodies and sensors": stepping, "observations": observing, "encoding": encoding}
    return {name: each / INTERVAL for name, each in found.items()}


def step(cohorts: Iterable[Cohort]) -> None:
    """Advance all patients by one interval."""
    for each in cohorts:
        each.step(INTERVAL)


def memory() -> float:
    """Measure the kB of memory for each patient of a child."""
    before = psutil.Process().memory_info().rss
    bays = crowd()
    for bay in bays:
        bay.observe()
    taken = psutil.Process().memory_info().rss - before
    del bays
    return taken / PATIENTS / 1_000


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of several runs."""
    goes = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        goes.append(time.process_time() - began)
    return median(goes)
