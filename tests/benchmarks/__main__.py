"""`python -m tests.benchmarks [api] [sink] [kafka-produce] ...`: ratios, for they hold on other machines too.

Those of Kafka need the real one: `.ci/kafka` downloads it, or ICU_TEST_KAFKA names one that runs. `api`, `sink`,
`upkeep` and `years` are measured on databases of 20 million readings, which are built first (two minutes, 1 GB) and
kept in the user's cache: `--readings` makes smaller ones.
"""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from tests.benchmarks import (
    access,
    alarms,
    api,
    breach,
    days,
    kafka_consume,
    kafka_crowd,
    kafka_drain,
    kafka_light,
    kafka_produce,
    kafka_sharing,
    launch,
    page,
    postgres,
    sink,
    stops,
    stream,
    upkeep,
    years,
)
from tests.benchmarks.wards import quieten
from tests.brokers import Broker, available, open_broker

ON_READINGS: dict[str, Callable[[int, int], None]] = {
    "api": api.main,
    "days": days.main,
    "postgres": postgres.main,
    "sink": sink.main,
    "upkeep": upkeep.main,
    "years": years.main,
}
ALONE: dict[str, Callable[[], None]] = {
    "access": access.main,
    "alarms": alarms.main,
    "breach": breach.main,
    "launch": launch.main,
    "page": page.main,
    "stream": stream.main,
    "stops": stops.main,
}
WITH_KAFKA: dict[str, Callable[[Broker], None]] = {
    "kafka-produce": kafka_produce.main,
    "kafka-consume": kafka_consume.main,
    "kafka-drain": kafka_drain.main,
    "kafka-light": kafka_light.main,
    "kafka-crowd": kafka_crowd.main,
    "kafka-sharing": kafka_sharing.main,
}


NAMES = [*ON_READINGS, *ALONE, *WITH_KAFKA]


def run(names: Sequence[str], readings: int, rounds: int) -> None:
    """Run the benchmarks of these names in their order; those that need a broker share one, and come last."""
    for name in names:
        if name not in WITH_KAFKA:
            print(f"\n== {name}")
            if name in ON_READINGS:
                ON_READINGS[name](readings, rounds)
            else:
                ALONE[name]()
    if with_kafka := [name for name in names if name in WITH_KAFKA]:
        run_with_kafka(with_kafka)


def run_with_kafka(names: Sequence[str]) -> None:
    """Run the benchmarks that need a broker, on one broker."""
    if not (os.environ.get("ICU_TEST_KAFKA") or available()):
        print(f"\nleft out, for want of a real Kafka (.ci/kafka downloads one): {', '.join(names)}")
        return
    with open_broker() as broker:
        for name in names:
            print(f"\n== {name}")
            WITH_KAFKA[name](broker)


def asked() -> Namespace:
    """Parse the command line."""
    parser = ArgumentParser("python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument(
        "--readings", type=int, default=20_000_000, help="in the databases of api, sink, upkeep and years (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of api, sink, upkeep and years (%(default)s)")
    found = parser.parse_args()
    if unknown := set(found.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return found


if __name__ == "__main__":
    wanted = asked()
    quieten()
    run(wanted.names or NAMES, wanted.readings, wanted.rounds)
