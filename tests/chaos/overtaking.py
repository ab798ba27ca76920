"""A sink that is overtaken: frozen for longer than its session, with a batch in hand, while others get its partitions.

One of the others cannot reach the database. So a partition is left to the frozen sink there, nobody takes its place
from it, and when it goes on its start alone tells that its batch is an old one.
"""

import json
import time

from tests.chaos.actors import Actor
from tests.chaos.evidence import ends_of
from tests.chaos.faults import Happening
from tests.chaos.several import SharedStage
from tests.chaos.stage import TOPIC, until
from tests.postgres import ask, locked

GOES_ON = "reading on from the stored offsets"


def overtake(stage: SharedStage) -> Happening:
    """Have the second sink overtake the first one, while the third one is cut off the database."""
    frozen, _, cut_off = stage.sinks
    link, began = stage.links[cut_off.name], time.time()
    until(lambda: all(len(_partitions(stage, each)) > 1 for each in stage.sinks), "not all sinks have partitions")
    lost = _partitions(stage, frozen)
    rows = f"SELECT 1 FROM consumer_offsets WHERE partition IN ({', '.join(map(str, lost))}) FOR UPDATE"
    with locked(stage.url, rows) as is_waited_for:
        until(is_waited_for, "the sink has no batch in hand")
        frozen.suspend()
        link.kill()
        held = ends_of(stage.broker.bootstrap, TOPIC)
        # The server gives its transaction up, whose locks would stop the others too.
        until(lambda: not is_waited_for(), "the sink waits for a lock for ever")
    until(lambda: any(stage.offsets()[each] > held[each] for each in lost), "nobody goes on with its partitions")
    assert _partitions(stage, frozen), "nothing was tried: the frozen sink has lost its place"
    before = _times(frozen)
    frozen.resume()
    until(lambda: _times(frozen) > before, "it has not noticed that it was overtaken")
    link.start()
    return Happening(frozen.name, overtake.__name__, began, time.time())


def _partitions(stage: SharedStage, sink: Actor) -> list[int]:
    """Return the partitions that a sink reads, as the database has them: none before it has joined the group."""
    found = ask(stage.url, f"SELECT coalesce(partitions, '[]') FROM heartbeats WHERE member = '{sink.name}'")
    return [partition for (partitions,) in found for partition in json.loads(partitions)]


def _times(sink: Actor) -> int:
    return sink.logs[-1].read_text().count(GOES_ON)
