"""One role in a process of its own: started by people, or by a supervisor for one of its children."""

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
    """Run one role alone until told to stop. KafkaError where a required broker is away."""
    shared = Shared(replace(settings, child=(child,)))
    _run_alone(shared, child, require_broker=require_broker, beside=nullcontext())


def run_child(settings: Settings, launch: datetime | None) -> None:
    """Run the one child of these settings for its supervisor, which has started this process and may end it.

    `launch`: since when it runs this child, be it in one process or in several.
    """
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
    """Run the one child of this process. `beside` is open as long as it runs."""
    role = ROLES[type(child)]
    actor = role.actor(child, shared)

    async def work() -> None:
        async with shared.open() if role.needs_transport else nullcontext(), beside:
            if require_broker:
                await shared.transport.check()
            await run_announced(actor, partial(role.work_status, shared), on_started=tune_interpreter)

    run(work)
