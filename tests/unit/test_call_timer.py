"""A block that lasts too long ends, and nothing else does."""

from __future__ import annotations

import asyncio
import sys

import pytest

from promo_campaigns.http.timeouts import CallTimer

SOON_S = 0.02
LATE_S = 60.0


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def outlast(timer: CallTimer) -> str:
    try:
        with timer:
            await never()
    except asyncio.TimeoutError:
        await asyncio.sleep(0)  # a cancellation that lingers would end the task here
        return "ended"
    return "went on"


async def stay_within(timer: CallTimer) -> str:
    with timer:
        await asyncio.sleep(0)
    return "done"


def test_a_block_that_lasts_too_long_ends_and_its_task_goes_on() -> None:
    assert asyncio.run(outlast(CallTimer(SOON_S))) == "ended"


def test_each_of_many_blocks_ends_whenever_it_began() -> None:
    async def many() -> list[str]:
        timer = CallTimer(SOON_S)
        tasks = []
        for _ in range(5):
            tasks += [asyncio.create_task(outlast(timer)), asyncio.create_task(stay_within(timer))]
            await asyncio.sleep(SOON_S / 4)
        return [await task for task in tasks]

    assert asyncio.run(many()) == ["ended", "done"] * 5


def test_blocks_are_watched_again_after_a_time_without_any() -> None:
    async def twice() -> list[str]:
        timer = CallTimer(SOON_S)
        first = await stay_within(timer)
        await asyncio.sleep(2 * SOON_S)
        return [first, await outlast(timer)]

    assert asyncio.run(twice()) == ["done", "ended"]


def test_one_task_may_be_timed_again_and_again() -> None:
    async def thrice() -> list[str]:
        timer = CallTimer(SOON_S)
        return [await outlast(timer) for _ in range(3)]

    assert asyncio.run(thrice()) == ["ended"] * 3


def test_whoever_cancels_the_task_from_outside_is_obeyed() -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(outlast(CallTimer(LATE_S)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before 3.11 a task does not count who cancels it")
def test_a_task_that_is_cancelled_as_its_time_ends_is_cancelled() -> None:
    async def both() -> None:
        timer = CallTimer(SOON_S)
        task = asyncio.create_task(outlast(timer))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(SOON_S, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(both())


def test_an_error_of_the_block_is_its_own() -> None:
    async def fail() -> None:
        with CallTimer(LATE_S):
            raise ValueError("broken")  # noqa: EM101  (the block's own)

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(fail())
