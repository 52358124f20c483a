"""The store behind a PgBouncer that gives each session away after a transaction, as it is and told to drop options."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from databases import database_of
from integration.profile_server import serving
from integration.scenario import add_codes, add_contacts, open_welcome
from pooler import running_pooler
from promo_campaigns.cli import main
from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.contacts import Channel, Contact, Row
from promo_campaigns.model.errors import ConfigurationError, ContactHeldError
from promo_campaigns.postgres.connection import SESSION, connect, connect_async
from promo_campaigns.postgres.migrations import migrate
from promo_campaigns.postgres.pool import StorePool
from promo_campaigns.postgres.reconnecting import reconnecting

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "pooler.md"
CONTACTS = 200
MARKS = {"promo.session"}


def documented() -> dict[str, str]:
    """Return the settings that docs/pooler.md shows."""
    _, _, block = PAGE.read_text(encoding="utf-8").partition("[pgbouncer]\n")
    lines = block.partition("```")[0].split("\n")
    return dict(line.split(" = ") for line in lines if line)


SETTINGS = {"as the page says": documented(), "told to drop options": {"ignore_startup_parameters": "options"}}


@pytest.fixture(scope="module", params=SETTINGS)
def pooler(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """Return the address of a pooler before the server."""
    with running_pooler(postgres_server, **SETTINGS[request.param] | {"default_pool_size": "2"}) as address:
        yield address


@pytest.fixture
def pooled(pooler: str, dsn: str) -> str:
    """Return the address of this test's database behind the pooler."""
    return database_of(pooler, urlsplit(dsn).path.removeprefix("/"))


def settings_now(connection: psycopg.Connection[dict[str, str]]) -> dict[str, str]:
    names = sorted(SESSION.keys() - MARKS)
    rows = connection.execute(
        "select name, current_setting(name) as value from unnest(%s::text[]) name", [names]
    ).fetchall()
    return {row["name"]: row["value"] for row in rows}


def test_every_transaction_has_the_settings_of_the_product_and_leaves_none_behind(pooled: str, dsn: str) -> None:
    with connect(dsn) as direct:
        wanted = settings_now(direct)
    with connect(pooled) as one, connect(pooled) as other:
        with one.transaction():
            assert settings_now(one) == wanted
            assert settings_now(other) == wanted  # in the second session, at the same time
        assert settings_now(one) == wanted
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as stranger:
        assert stranger.execute("select current_setting('lock_timeout')").fetchone() == ("0",)


def test_the_settings_of_a_caller_hold_as_well(pooled: str) -> None:
    with reconnecting(pooled) as connection:
        found = connection.execute("select current_setting('idle_in_transaction_session_timeout') as s").fetchone()
        assert found == {"s": "20s"}

    async def commits() -> object:
        async with await connect_async(pooled) as connection:
            cursor = await connection.execute("select current_setting('synchronous_commit') as s")
            return await cursor.fetchone()

    assert asyncio.run(commits()) == {"s": "off"}


def test_workers_that_share_two_sessions_claim_each_code_once(pooled: str, dsn: str) -> None:
    with connect(dsn) as store:
        add_contacts(store, CONTACTS)
        add_codes(store, CONTACTS)
        run = open_welcome(store)
        ids = [row["contact_id"] for row in store.execute("select contact_id from promo.contact").fetchall()]
    claimed: list[tuple[int, str]] = []

    def work(share: list[int]) -> None:
        with reconnecting(pooled) as connection:
            claimed.extend(PostgresLedger(connection).assign_codes(run.run_id, share, run.spec.codes))

    workers = [threading.Thread(target=work, args=(ids[number::8],)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(dict(claimed)) == len({code for _, code in claimed}) == CONTACTS
    with connect(dsn) as store:
        assert check_invariants(store) == []


def test_a_wait_for_a_locked_contact_ends_after_its_time(pooled: str, dsn: str) -> None:
    with connect(dsn) as holder:
        (held,) = add_contacts(holder, 1)
        pool = StorePool(pooled, size=2, lock_wait_ms=50)
        pool.open()
        try:
            with holder.transaction():
                holder.execute("select from promo.contact where contact_id = %s for update", [held])
                with pytest.raises(ContactHeldError):
                    pool.run(
                        lambda lent: lent.execute(
                            "update promo.contact set first_name = 'x' where contact_id = %s", [held]
                        )
                    )
        finally:
            pool.close()


def test_contacts_are_loaded_whole_in_one_transaction(pooled: str) -> None:
    """What is staged would be in another session after the first one."""
    rows = [
        Row(number, Contact(external_id=f"id-{number}", channels=(Channel("email", f"{number}@example.org"),)))
        for number in range(1, 1_201)
    ]
    with connect(pooled) as store:
        assert put_contacts(store, rows).inserted == len(rows)
        assert put_contacts(store, rows).unchanged == len(rows)


def test_the_profile_api_answers_every_request(pooled: str) -> None:
    with serving(pooled) as client:
        for number in range(24):
            body = {"channels": [{"type": "email", "value": f"{number}@example.org"}], "firstName": "Anna"}
            assert client.post("/contact", json=body).status_code == 200
        contacts = [{"channels": [{"type": "email", "value": f"{number}@example.org"}]} for number in range(50)]
        bulk = {"contacts": contacts, "dedupeOn": "email"}
        assert client.post("/contacts", json=bulk).status_code == 200


def test_a_migration_asks_for_the_server_itself(pooled: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="a pooler answers at the address"):
        migrate(pooled)
    assert main(["db", "migrate", "--dsn", pooled]) != 0
    assert "the address of the server itself" in capsys.readouterr().err
