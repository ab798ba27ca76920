"""Answers of a broker that nobody waits for any more."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka import errors as kafka

from icu.transports.kafka.producer import _handed_over


class Client:
    """Hands over the first batch, whose answer is a refusal, and fails at the second one."""

    async def send_batch(self, batch: object, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        """As aiokafka's."""
        if partition:
            raise kafka.ProducerClosed
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_exception(kafka.MessageSizeTooLargeError())
        return answer


async def test_no_answer_is_left_unread() -> None:
    """Where handing over breaks off, asyncio does not complain (AnyIO's runner would raise it) of earlier answers."""
    with pytest.raises(kafka.ProducerClosed):
        await _handed_over(Client(), "icu.test", {0: None, 1: None})
    # Callbacks of a future that is done run in the loop's next step.
    await asyncio.sleep(0)
    gc.collect()
