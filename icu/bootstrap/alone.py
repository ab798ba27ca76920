"""Processes of one role: started by people, or by a supervisor for one of its children."""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from icu.bootstrap.announcing import run_announced
from icu.bootstrap.process import run, tune_interpreter
from icu.bootstrap.roles import ROLES
from icu.bootstrap.shared import Shared
from icu.config.settings import AnyChild, Settings
from icu.ops.signals import watch_parent
from icu.ward.asking import fetch_unready
from icu.ward.remote import accepting_supervisor_orders


def run_role(settings: Settings, child: AnyChild, *, require_broker: bool = False) -> None:
    """Run one role in this process until a stop request.

    Args:
        settings: Settings of the process; its own children are replaced.
        child: The child to run.
        require_broker: True to fail, instead of waiting, while no broker answers.

    Raises:
        KafkaError: The required broker is away.
    """
    shared = Shared(replace(settings, child=(child,)))
    _run_alone(shared, child, require_broker=require_broker, beside=nullcontext())


def run_child(settings: Settings, launch: datetime | None) -> None:
    """Run the only child of these settings for the supervisor that has started this process.

    Args:
        settings: Settings with exactly one child.
        launch: Time at which the supervisor started the child first; later processes go on from there.
    """
    # First of all: a child whose supervisor was killed must not go on without one.
    watch_parent()
    [child] = settings.child
    role = ROLES[type(child)]
    shared = Shared(settings, launch=launch)
    if role.ready_with_ward:
        shared.health.add("children", partial(fetch_unready, settings))
    accepting = accepting_supervisor_orders(role.order_receiver(shared)) if role.order_receiver else nullcontext()
    _run_alone(shared, child, require_broker=False, beside=accepting)


def _run_alone(
    shared: Shared, child: AnyChild, *, require_broker: bool, beside: AbstractAsyncContextManager[None]
) -> None:
    """Run the child of this process, with the context `beside` open meanwhile."""
    role = ROLES[type(child)]
    actor = role.actor(child, shared)

    async def work() -> None:
        async with shared.open() if role.needs_transport else nullcontext(), beside:
            if require_broker:
                await shared.transport.check()
            await run_announced(actor, partial(role.work_status, shared), on_started=tune_interpreter)

    run(work)
