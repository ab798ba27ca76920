"""Calls of aiokafka under a deadline, with its errors translated to ours.

Its calls may hang as long as a broker is away, and may raise a CancelledError that nobody requested. So each runs as a
task of its own, which keeps both from the caller.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka
from anyio import CancelScope
from loguru import logger

from icu.errors import IcuError
from icu.transports.kafka.errors import KafkaError, KafkaRefusedError

# Seconds for each step of the orderly closing of a client.
CLOSING_DEADLINE: Final = 2.0

# Seconds for each part of a client whose orderly closing has failed.
PART_DEADLINE: Final = 0.5

T = TypeVar("T")


class UnreadableError(Exception):
    """The records of one partition cannot be fetched or decoded. Other partitions are not affected."""

    def __init__(self, why: str, remedy: str) -> None:
        """Keep the reason as the message, and the remedy beside it: a sentence in the imperative."""
        self.remedy = remedy
        super().__init__(why)


# Errors that aiokafka does not call retriable, since the same client cannot recover from them. A new client can, or the
# broker is mended meanwhile.
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

# All errors that its calls raise.
_FOREIGN: Final = (
    kafka.KafkaError,
    kafka.ConsumerStoppedError,
    kafka.IllegalOperation,
    OSError,
    TimeoutError,
    AttributeError,  # of its admin client, if the cluster has no controller at the moment
)

_DAMAGED: Final = (
    "have the broker's disk looked at, or give the damaged records up: kafka-delete-records with an offset behind them"
)

# Remedies of errors that concern the records of a partition, or the right to read it, rather than the connection.
_UNREADABLE: Final = {
    kafka.CorruptRecordException: _DAMAGED,
    kafka.RecordTooLargeError: "lower the broker's max.message.bytes: this client cannot fetch so large a record",
    kafka.TopicAuthorizationFailedError: "let whoever runs the broker grant this user READ on the topic",
    kafka.UnsupportedCodecError: "install the codecs: pip install 'aiokafka[snappy,lz4,zstd]'",
}


async def bounded(doing: str, call: Coroutine[Any, Any, T], *, seconds: float, grace: float = 0.0) -> T:
    """Await a call of the library for a limited time.

    Args:
        doing: The beginning of error messages, such as "fetching".
        call: The coroutine.
        seconds: The deadline.
        grace: Seconds that the call has to end by itself where the caller is cancelled.

    Raises:
        KafkaError: A new client may succeed.
        KafkaRefusedError: A new client would fail too.
    """
    task = asyncio.ensure_future(call)
    task.add_done_callback(ignore_outcome)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise KafkaError(f"{doing}: no answer within {seconds:g} s")
    except asyncio.CancelledError:
        with CancelScope(shield=True):
            await asyncio.wait({task}, timeout=grace)
        raise
    finally:
        task.cancel()
    return outcome(doing, task)


def outcome(doing: str, future: "asyncio.Future[T]") -> T:
    """Result of a finished future. Raises its error as one of ours."""
    if future.cancelled():
        raise KafkaError(f"{doing}: broken off inside the Kafka client")
    error = future.exception()
    if isinstance(error, _FOREIGN):
        raise translated(doing, error) from error
    return future.result()


async def bounded_fetch(call: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Await a fetch for a limited time.

    Raises:
        UnreadableError: The records cannot be fetched or decoded, though the connection works.
        KafkaError: No records can arrive.
    """
    try:
        return await bounded("fetching", call, seconds=seconds)
    except IcuError as exc:
        for kind, remedy in _UNREADABLE.items():
            if isinstance(exc.__cause__, kind):
                raise UnreadableError(_words(exc.__cause__), remedy) from exc
        raise
    except Exception as exc:
        # Damaged bytes raise any error of the decoder that meets them: cramjam's, struct's, a ValueError.
        raise UnreadableError(_words(exc), _DAMAGED) from exc


def ignore_outcome(future: "asyncio.Future[Any]") -> None:
    """Retrieve the error of a future that nobody awaits any more."""
    # asyncio logs every error that was never retrieved.
    if not future.cancelled():
        future.exception()


async def close_consumer(client: AIOKafkaConsumer) -> None:
    """Close a consumer, and what is left open of it where its own closing fails or takes too long."""
    await close_in_turn(client.stop)
    # That waits for a request to its group, or for a fetch, and leaves the rest open if it is broken off.
    parts = (client._fetcher, client._client)  # noqa: SLF001 - no public way closes them alone
    await close_in_turn(*(each.close for each in parts if each is not None), seconds=PART_DEADLINE)


async def close_in_turn(*closings: Callable[[], Coroutine[Any, Any, None]], seconds: float = CLOSING_DEADLINE) -> None:
    """Close a client, step by step. Each step has a deadline, which no cancellation shortens."""
    with CancelScope(shield=True):
        for close in closings:
            try:
                await bounded("closing", close(), seconds=seconds)
            except KafkaError as exc:
                logger.debug("a Kafka client was left rather than closed: {}", exc)


def translated(doing: str, error: BaseException) -> IcuError:
    """Translate an error of the library: KafkaError if a new client may succeed, else KafkaRefusedError."""
    why = f"{doing}: {_words(error)}"
    mendable = getattr(error, "retriable", False) or isinstance(
        error, (*_RETRIABLE, OSError, TimeoutError, AttributeError)
    )
    # aiokafka raises the root of its errors itself where it met something unexpected.
    return KafkaError(why) if mendable or type(error) is kafka.KafkaError else KafkaRefusedError(why)


def _words(error: BaseException) -> str:
    # Many of the library's errors have no message: then the description of the class explains them.
    said = " ".join(str(each) for each in error.args) or " ".join(getattr(error, "description", "").split())
    return f"{said.rstrip('.')} ({type(error).__name__})" if said else type(error).__name__
