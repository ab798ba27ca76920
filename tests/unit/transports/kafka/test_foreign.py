"""All errors, hangs and stray cancellations of aiokafka become errors of ours."""

import asyncio
import inspect
from typing import NoReturn

import pytest
from aiokafka import errors as kafka

from icu.transports.kafka.errors import KafkaError, KafkaRefusedError
from icu.transports.kafka.foreign import UnreadableError, bounded, bounded_fetch, close_in_turn

EVERY_ERROR = sorted(
    {each for each in vars(kafka).values() if inspect.isclass(each) and issubclass(each, Exception)},
    key=lambda each: each.__name__,
)


async def fail(error: BaseException) -> NoReturn:
    """Call the library, which fails."""
    raise error


@pytest.mark.parametrize("kind", EVERY_ERROR)
async def test_every_error_of_the_library_is_mapped(kind: type[Exception]) -> None:
    """Every error of aiokafka is mapped; a new version with other error trees fails here."""
    with pytest.raises(KafkaError, match=r"\Asending: "):
        await bounded("sending", fail(kind()), seconds=5)


@pytest.mark.parametrize("kind", [each for each in EVERY_ERROR if getattr(each, "retriable", False)])
async def test_what_the_library_calls_retriable_is_transient(kind: type[Exception]) -> None:
    """Errors that aiokafka calls retriable are transient."""
    with pytest.raises(KafkaError) as caught:
        await bounded("sending", fail(kind()), seconds=5)
    assert caught.value.transient


@pytest.mark.parametrize(
    "kind",
    [
        kafka.TopicAuthorizationFailedError,
        kafka.ClusterAuthorizationFailedError,
        kafka.InvalidTopicError,
        kafka.UnsupportedVersionError,
        kafka.PolicyViolationError,
        kafka.InvalidReplicationFactorError,
        kafka.MessageSizeTooLargeError,
    ],
)
async def test_what_time_does_not_mend_is_refused(kind: type[Exception]) -> None:
    """Errors that no retry mends are refusals."""
    with pytest.raises(KafkaRefusedError) as caught:
        await bounded("sending", fail(kind()), seconds=5)
    assert not caught.value.transient


async def test_an_error_without_words_says_what_its_class_means() -> None:
    """An error without a text has the description and the name of its class."""
    with pytest.raises(KafkaError, match=r"not authorized.*\(TopicAuthorizationFailedError\)"):
        await bounded("creating", fail(kafka.TopicAuthorizationFailedError()), seconds=5)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (kafka.NodeNotReadyError("not", "ready."), "not ready (NodeNotReadyError)"),
        (kafka.KafkaConnectionError("XX is down"), "XX is down (KafkaConnectionError)"),
        (kafka.NodeNotReadyError(), "NodeNotReadyError"),
        (OSError(), "OSError"),
    ],
)
async def test_what_an_error_says(error: Exception, said: str) -> None:
    """An error's text is complete, without a full stop in the middle, and without repetition of its name."""
    with pytest.raises(KafkaError) as caught:
        await bounded("sending", fail(error), seconds=5)
    assert str(caught.value) == f"sending: {said}"


async def test_what_the_library_did_not_expect_may_be_tried_again() -> None:
    """The root class of aiokafka's errors is transient, since it says nothing else."""
    with pytest.raises(KafkaError) as caught:
        await bounded("sending", fail(kafka.KafkaError("whatever")), seconds=5)
    assert caught.value.transient


async def test_a_call_that_hangs_is_given_up() -> None:
    """A call that hangs is given up (aiokafka #1101)."""
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(3_600)
        finally:
            cancelled.set()

    with pytest.raises(KafkaError, match=r"stopping: no answer within 0.01 s"):
        await bounded("stopping", hang(), seconds=0.01)
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_cancellation_that_nobody_sent_is_an_error() -> None:
    """A stray cancellation becomes an error; otherwise the waiting task would end without a trace."""
    with pytest.raises(KafkaError, match="broken off inside the Kafka client"):
        await bounded("stopping", fail(asyncio.CancelledError()), seconds=5)


async def test_closing_goes_on_whatever_a_step_does() -> None:
    """The second step of a close is taken although the first one failed."""
    steps: list[str] = []

    async def first() -> None:
        steps.append("first")
        raise kafka.KafkaConnectionError

    async def second() -> None:
        steps.append("second")

    await close_in_turn(first, second)
    assert steps == ["first", "second"]


async def test_other_errors_are_bugs_and_stay_what_they_are() -> None:
    """Errors of our own code are not mapped."""
    with pytest.raises(ZeroDivisionError):
        await bounded("sending", fail(ZeroDivisionError()), seconds=5)


@pytest.mark.parametrize(
    "error",
    [
        kafka.CorruptRecordException("Invalid CRC"),
        kafka.UnsupportedCodecError("zstd"),
        kafka.RecordTooLargeError("2 MB"),
        kafka.TopicAuthorizationFailedError("icu.observations"),
        ValueError("a decoder stumbled"),
        IndexError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_concerns_one_partition_is_told_apart(error: Exception) -> None:
    """A fetch with undecodable bytes says what to do, and does not cause a new connection."""
    with pytest.raises(UnreadableError, match=r".") as caught:
        await bounded_fetch(fail(error), seconds=5)
    assert caught.value.remedy


@pytest.mark.parametrize("kind", [kafka.NodeNotReadyError, kafka.OffsetOutOfRangeError, kafka.ConsumerStoppedError])
async def test_what_concerns_the_connection_or_the_log_is_trouble(kind: type[Exception]) -> None:
    """Errors of the connection or the log need a new assignment."""
    with pytest.raises(KafkaError):
        await bounded_fetch(fail(kind()), seconds=5)
