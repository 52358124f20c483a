"""Live views: however many people look, the store is read once in two seconds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.model.errors import StoreUnavailableError
from promo_campaigns.ui.page_store import PageStore
from promo_campaigns.ui.shared_reads import AGE_S, SharedReads

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.connection import Connection


@dataclass
class Viewers:
    """People who look at one view, and how often it was read for them."""

    store: PageStore
    now: float = 0.0
    reads: int = 0
    shared: SharedReads = field(init=False)

    def __post_init__(self) -> None:
        self.shared = SharedReads(self.store, clock=lambda: self.now)

    def read(self, connection: Connection) -> Any:  # noqa: ANN401  (whatever the row holds)
        self.reads += 1
        row = connection.execute("select pg_backend_pid() as pid, clock_timestamp() as at").fetchone()
        assert row is not None
        return row["at"]

    async def look(self, count: int, work: Callable[[Connection], Any] | None = None) -> list[Any]:
        asked = (self.shared.get("view", work or self.read) for _ in range(count))
        return await asyncio.gather(*asked, return_exceptions=True)


@pytest.fixture
def viewers(dsn: str) -> Viewers:
    return Viewers(PageStore(lambda: dsn))


def test_many_viewers_cost_one_reading_in_two_seconds(viewers: Viewers) -> None:
    async def scene() -> None:
        first = await viewers.look(50)
        viewers.now += AGE_S - 0.1
        assert await viewers.look(50) == first
        assert viewers.reads == 1
        viewers.now += 0.2
        assert set(await viewers.look(50)).isdisjoint(first)
        assert viewers.reads == 2

    asyncio.run(scene())
    viewers.store.close()


def test_who_asked_first_may_leave_without_taking_it_from_the_others(viewers: Viewers) -> None:
    async def scene() -> None:
        first = asyncio.ensure_future(viewers.look(1))
        second = asyncio.ensure_future(viewers.look(1))
        await asyncio.sleep(0)
        first.cancel()
        assert len(await second) == 1
        assert viewers.reads == 1

    asyncio.run(scene())
    viewers.store.close()


def test_a_store_in_trouble_is_not_asked_more_often(viewers: Viewers) -> None:
    def fail(_: Connection) -> None:
        viewers.reads += 1
        problem = "the database does not answer"
        raise StoreUnavailableError(problem)

    async def scene() -> None:
        assert {type(one) for one in await viewers.look(50, fail)} == {StoreUnavailableError}
        assert viewers.reads == 1
        viewers.now += AGE_S
        assert not any(isinstance(one, Exception) for one in await viewers.look(2))

    asyncio.run(scene())
    viewers.store.close()


def test_views_that_nobody_looks_at_any_more_are_forgotten(viewers: Viewers) -> None:
    async def scene() -> None:
        for number in range(300):
            await viewers.shared.get(number, lambda _: None)
            viewers.now += AGE_S
        assert len(viewers.shared._readings) <= 257  # noqa: SLF001  (what is to be bounded)

    asyncio.run(scene())
    viewers.store.close()
