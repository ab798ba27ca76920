"""Times up to which partitions are read: each record that their logs held then was fetched.

An answer of the broker may be old when it is processed: a program that was held up finds the one that has waited in its
socket, and not what has come to the log since. But the client sends a request to a broker only after it has processed
the answer to the one before. So an answer tells at least what the log held when that one was processed.

Times are seconds of the event loop's clock.
"""

from collections.abc import Mapping


class _Partition:
    """Answers about one partition."""

    def __init__(self, now: float) -> None:
        # Mark of the last answer, and a time before which it was not processed.
        self.answer: int | None = None
        self.processed_after = now
        # Time before which its request was not sent. None: there was no answer yet.
        self.asked_after: float | None = None


class ReadTimes:
    """Read times of the partitions of one assignment.

    Args:
        partitions: Their numbers.
        now: The current time: nothing is requested before.
    """

    def __init__(self, partitions: Mapping[int, object], now: float) -> None:
        self.known: dict[int, float] = {}
        self._partitions = {each: _Partition(now) for each in partitions}
        self._noted_at = now

    def note(self, answers: Mapping[int, int | None], behind: frozenset[int], now: float) -> None:
        """Note the state of the partitions behind a fetch.

        Args:
            answers: By partition, a mark that each answer of the broker changes. None: there was no answer yet.
            behind: Partitions that held more, by their last answers, than was fetched.
            now: The current time.
        """
        for number, answer in answers.items():
            partition = self._partitions[number]
            if answer != partition.answer:
                partition.answer = answer
                partition.asked_after, partition.processed_after = partition.processed_after, self._noted_at
            if number not in behind and partition.asked_after is not None:
                self.known[number] = partition.asked_after
        self._noted_at = now
