"""`python -m tests.benchmarks [sink] [kafka-produce] ...`: figures as ratios, for they hold on other machines too.

Those of Kafka need the real one: `.ci/kafka` downloads it, or ICU_TEST_KAFKA names one that runs.
"""

import os
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks import (
    kafka_consume,
    kafka_crowd,
    kafka_drain,
    kafka_light,
    kafka_produce,
    launch,
    sink,
    stops,
    stream,
)
from tests.benchmarks.wards import quieten
from tests.brokers import Broker, available, open_broker

ALONE: dict[str, Callable[[], None]] = {
    "sink": sink.main,
    "launch": launch.main,
    "stream": stream.main,
    "stops": stops.main,
}
WITH_KAFKA: dict[str, Callable[[Broker], None]] = {
    "kafka-produce": kafka_produce.main,
    "kafka-consume": kafka_consume.main,
    "kafka-drain": kafka_drain.main,
    "kafka-light": kafka_light.main,
    "kafka-crowd": kafka_crowd.main,
}


def run_alone(names: Sequence[str]) -> None:
    """Those that need nothing."""
    for name in names:
        print(f"\n== {name}")
        ALONE[name]()


def run_with_kafka(names: Sequence[str]) -> None:
    """Those that need a broker share one."""
    if not (os.environ.get("ICU_TEST_KAFKA") or available()):
        print(f"\nleft out, for want of a real Kafka (.ci/kafka downloads one): {', '.join(names)}")
        return
    with open_broker() as broker:
        for name in names:
            print(f"\n== {name}")
            WITH_KAFKA[name](broker)


chosen = sys.argv[1:] or [*ALONE, *WITH_KAFKA]
if unknown := set(chosen) - set(ALONE) - set(WITH_KAFKA):
    sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join([*ALONE, *WITH_KAFKA])}")
quieten()
run_alone([name for name in chosen if name in ALONE])
if with_kafka := [name for name in chosen if name in WITH_KAFKA]:
    run_with_kafka(with_kafka)
