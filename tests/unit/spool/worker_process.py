"""A worker as a process of its own, for tests that kill it: puts mail and prints each id once it is kept."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import conftest

from gateway.model.delivery import DeliveryEvent, DeliveryState


async def main(folder: str, own: int) -> None:
    kit = conftest.Kit(Path(folder))
    spool = await kit.open(own)

    async def tenant(state: DeliveryState) -> None:
        while True:
            parcel = kit.parcel(state=state)
            await spool.put(parcel)
            print("put", parcel.submission.id, flush=True)
            if state is DeliveryState.ACTIVE:
                print("sending", parcel.submission.id, flush=True)
                active = replace(parcel.deliveries[0], state=DeliveryState.ACTIVE)
                await spool.settle([kit.outcome(active, DeliveryEvent.DELIVER)])
                print("sent", parcel.submission.id, flush=True)

    async with asyncio.TaskGroup() as group:
        for state in [DeliveryState.QUEUED] * 3 + [DeliveryState.ACTIVE] * 3:
            group.create_task(tenant(state))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
