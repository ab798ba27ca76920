"""What aiokafka raises, as our errors, and its calls under a deadline.

Its calls may hang as long as a broker is away, and end in a CancelledError that nobody sent. Each therefore runs as a
task of its own, where neither can reach who awaits it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from aiokafka import errors as kafka
from anyio import CancelScope
from loguru import logger

from icu.errors import IcuError
from icu.transports.kafka.errors import KafkaError, KafkaRefusedError

# Seconds in which a client may leave in good order.
CLOSING_DEADLINE: Final = 2.0

T = TypeVar("T")


class UnreadableError(Exception):
    """The records of one partition cannot be had or understood. Other partitions are not concerned."""

    def __init__(self, why: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(why)


# What aiokafka does not call retriable, since the same client can't get over it: a new one can, or the broker when it
# is mended meanwhile.
_RETRIABLE: Final = (
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.BrokerNotAvailableError,
    kafka.ConsumerStoppedError,
    kafka.CorruptRecordException,
    kafka.DuplicateSequenceNumber,
    kafka.FetchSessionIdNotFound,
    kafka.IllegalOperation,
    kafka.IllegalStateError,
    kafka.InvalidFetchSessionEpoch,
    kafka.InvalidProducerEpoch,
    kafka.InvalidProducerIdMapping,
    kafka.KafkaTimeoutError,
    kafka.KafkaUnavailableError,
    kafka.OffsetOutOfRangeError,
    kafka.OutOfOrderSequenceNumber,
    kafka.ProducerClosed,
    kafka.ProducerFenced,
    kafka.ReassignmentInProgress,
    kafka.ReplicaNotAvailableError,
    kafka.SaslAuthenticationFailed,
    kafka.StaleControllerEpochError,
    kafka.StaleLeaderEpochCodeError,
    kafka.UnknownError,
    kafka.UnknownProducerId,
)
_FOREIGN: Final = (
    kafka.KafkaError,
    kafka.ConsumerStoppedError,
    kafka.IllegalOperation,
    OSError,
    TimeoutError,
    AttributeError,  # what its admin client makes of a cluster that has no controller at the moment
)

_DAMAGED: Final = (
    "have the broker's disk looked at, or give the damaged records up: kafka-delete-records with an offset behind them"
)

# Errors about what stands in a partition, or who may read it, and what to do: the connection is sound.
_UNREADABLE: Final = {
    kafka.CorruptRecordException: _DAMAGED,
    kafka.RecordTooLargeError: "lower the broker's max.message.bytes: this client cannot fetch so large a record",
    kafka.TopicAuthorizationFailedError: "let whoever runs the broker grant this user READ on the topic",
    kafka.UnsupportedCodecError: "install the codecs: pip install 'aiokafka[snappy,lz4,zstd]'",
}


async def bounded(doing: str, call: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Await a call of the library, at most so many seconds. `doing` begins the error's message.

    KafkaError where a new client may succeed, KafkaRefusedError where it would not.
    """
    task = asyncio.ensure_future(call)
    task.add_done_callback(ignore_outcome)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise KafkaError(f"{doing}: no answer within {seconds:g} s")
    finally:
        task.cancel()
    return outcome(doing, task)


def outcome(doing: str, future: "asyncio.Future[T]") -> T:
    """What a future that is done holds; its error as ours."""
    if future.cancelled():
        raise KafkaError(f"{doing}: broken off inside the Kafka client")
    error = future.exception()
    if isinstance(error, _FOREIGN):
        raise translated(doing, error) from error
    return future.result()


async def bounded_fetch(call: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Await a fetch. UnreadableError where what comes is not to be understood, KafkaError where nothing can come."""
    try:
        return await bounded("fetching", call, seconds=seconds)
    except IcuError as exc:
        for kind, remedy in _UNREADABLE.items():
            if isinstance(exc.__cause__, kind):
                raise UnreadableError(_words(exc.__cause__), remedy) from exc
        raise
    except Exception as exc:
        # Broken bytes end in whatever the decoder that meets them raises: cramjam's, struct's, a ValueError.
        raise UnreadableError(_words(exc), _DAMAGED) from exc


def ignore_outcome(future: "asyncio.Future[Any]") -> None:
    """Look at the error of a task or future that nobody awaits any more: asyncio would complain otherwise."""
    if not future.cancelled():
        future.exception()


async def close_in_turn(*closings: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Await the closing of a client, step by step, each for a bounded time that no cancellation cuts short."""
    with CancelScope(shield=True):
        for close in closings:
            try:
                await bounded("closing", close(), seconds=CLOSING_DEADLINE)
            except KafkaError as exc:
                logger.debug("a Kafka client was left rather than closed: {}", exc)


def translated(doing: str, error: BaseException) -> IcuError:
    """Our error for one of the library's."""
    why = f"{doing}: {_words(error)}"
    mendable = getattr(error, "retriable", False) or isinstance(
        error, (*_RETRIABLE, OSError, TimeoutError, AttributeError)
    )
    # The bare root of their tree stands for what they did not expect.
    return KafkaError(why) if mendable or type(error) is kafka.KafkaError else KafkaRefusedError(why)


def _words(error: BaseException) -> str:
    """What it says, or else what its class means: many of the library's errors say nothing themselves."""
    said = " ".join(str(each) for each in error.args) or " ".join(getattr(error, "description", "").split())
    return f"{said.rstrip('.')} ({type(error).__name__})" if said else type(error).__name__
