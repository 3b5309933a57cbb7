"""Events on their way from a spool's outbox to the store: at least once, in order.

What it promises: an event leaves the outbox only when the store has it. A store that is away delays events
and stops no mail: they wait in the outbox. So does a fault of ours: a worker that died of an event would die
of it again at each start.
"""

import asyncio

import structlog

from gateway.model.reply import PublicError
from gateway.ports import EventStore, Meter, Outbox

log = structlog.get_logger("shipping")

_BATCH = 500
_PAUSE = 0.25  # seconds between two looks at an outbox that had little
_PAUSE_AWAY = 2.0


async def ship_forever(outbox: Outbox, store: EventStore, meter: Meter) -> None:
    """Ship until cancelled."""
    while True:
        try:
            shipped = await ship(outbox, store, meter)
        except PublicError as error:
            log.warning("events wait", why=str(error))
            await asyncio.sleep(_PAUSE_AWAY)
        except Exception:  # whatever it is, mail goes on
            log.exception("events cannot be shipped")
            await asyncio.sleep(_PAUSE_AWAY)
        else:
            if shipped < _BATCH:
                await asyncio.sleep(_PAUSE)


async def ship(outbox: Outbox, store: EventStore, meter: Meter) -> int:
    """Ship one batch; return how many events it had."""
    batch = await outbox.outbox(_BATCH)
    meter.gauge("outbox_lag", len(batch))
    if batch:
        await store.append([event for _, event in batch])
        await outbox.forget([place for place, _ in batch])
        meter.count("events_shipped_total", len(batch))
    return len(batch)
