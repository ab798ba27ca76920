"""Times up to which partitions are read: each record that their logs held then was fetched.

An answer of the broker may be old when it is processed: a program that was held up finds the one that has waited in its
socket, and not what has come to the log since. But the client sends a request to a broker only after it has processed
the answer to the one before. So an answer tells at least what the log held when that one was processed.

Times are those that the caller gives to `fetch`.
"""

from collections.abc import Collection, Iterable, Mapping


class _Partition:
    """Answers about one partition."""

    def __init__(self) -> None:
        # Mark of the last answer, and a time before which it was not processed.
        self.answer: int | None = None
        self.processed_after: float | None = None
        # Time before which it was not requested.
        self.asked_after: float | None = None


class ReadTimes:
    """Read times of the partitions of one assignment."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self.known: dict[int, float] = {}
        self._partitions = {each: _Partition() for each in partitions}
        # Beginning of the last fetch that was noted.
        self._began: float | None = None

    def note(self, answers: Mapping[int, int | None], behind: Collection[int], began: float) -> None:
        """Note the state of the partitions at the end of a fetch.

        Args:
            answers: By partition, a mark that each answer of the broker changes. None: there was no answer yet.
            behind: Partitions that hold more, by their last answers, than was fetched.
            began: Time at which the fetch began.
        """
        for number, answer in answers.items():
            partition = self._partitions[number]
            if answer != partition.answer:
                partition.answer = answer
                partition.asked_after, partition.processed_after = partition.processed_after, self._began
            if number not in behind and partition.asked_after is not None:
                self.known[number] = partition.asked_after
        self._began = began
