"""Keys of clients: what each allows, how often, and until when; on a real server with a real store."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from integration.profile_server import contact, serving
from promo_campaigns.cli import main
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.connection import connect
from promo_campaigns.profile_api.keys.ring import Bucket, KeyRing
from promo_campaigns.profile_api.keys.scopes import EVERYTHING, Client, Scope
from promo_campaigns.profile_api.keys.store import StoredKey, digest_of, make_key

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60.0


def until(status: int, ask: Callable[[], httpx.Response]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while (found := ask().status_code) != status:
        assert time.monotonic() < give_up, found
        time.sleep(0.2)


def test_a_key_allows_what_it_was_made_for_until_it_is_revoked(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api-key", "create", "reports", "--scope", "read", "--rate", "1000", "--dsn", dsn]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["api-key", "create", "reports", "--scope", "erase", "--dsn", dsn]) != 0
    assert main(["api-key", "create", "x", "--scope", "all", "--dsn", dsn]) != 0
    capsys.readouterr()
    with serving(dsn) as main_client:
        made = main_client.post("/contact", json=contact(("email", "a@example.com"), externalCustomerId="e")).json()
        with httpx.Client(base_url=main_client.base_url, auth=("x", key), timeout=30, trust_env=False) as client:
            until(200, lambda: client.get("/version"))
            assert client.get(f"/contact/{made['id']}").status_code == 200
            assert client.get("/account/info").json()["userEmail"] == "reports"
            for method, path, scope in (
                ("POST", "/contact", "contacts"),
                ("DELETE", f"/contact/{made['id']}", "contacts"),
                ("DELETE", f"/contact/{made['id']}?erase=true", "contacts"),
                ("POST", "/event", "events"),
                ("POST", "/orders", "orders"),
                ("POST", "/message/email", "messages"),
            ):
                refused = client.request(method, path)
                assert (refused.status_code, refused.json()["message"].split()[-1]) == (403, scope), path
            assert main(["api-key", "revoke", "reports", "--dsn", dsn]) == 0
            until(401, lambda: client.get("/version"))
        assert main_client.get("/version").status_code == 200
    assert main(["api-key", "revoke", "reports", "--dsn", dsn]) != 0
    capsys.readouterr()
    assert main(["api-key", "list", "--json", "--dsn", dsn]) == 0
    listed = capsys.readouterr().out
    assert '"reports"' in listed
    with connect(dsn) as connection:
        rows = connection.execute("select k::text as text from promo.api_key k").fetchall()
        assert key not in listed + str(rows)
        for name, scopes in (("", [Scope.READ]), ("x", [])):
            with pytest.raises(ConfigurationError):
                make_key(connection, name, scopes)


def test_to_delete_and_to_erase_are_two_things(dsn: str) -> None:
    with connect(dsn) as connection:
        keys = {scope: make_key(connection, scope.value, [scope]) for scope in (Scope.CONTACTS, Scope.ERASE)}
    with serving(dsn) as main_client:
        made = main_client.post("/contact", json=contact(("email", "a@example.com"))).json()["id"]
        path = f"/contact/{made}"
        for scope, asked in ((Scope.CONTACTS, f"{path}?erase=true"), (Scope.ERASE, path)):
            with httpx.Client(base_url=main_client.base_url, auth=("x", keys[scope]), trust_env=False) as client:
                until(403, partial(client.delete, asked))
                other = path if scope is Scope.CONTACTS else f"{path}?erase=true"
                assert client.delete(other).status_code == 200
                assert client.get("/version").status_code == 403


def test_a_key_has_a_limit_of_its_own(dsn: str) -> None:
    with connect(dsn) as connection:
        key = make_key(connection, "slow", [Scope.READ], per_second=1)
    with serving(dsn) as main_client:
        with httpx.Client(base_url=main_client.base_url, auth=("x", key), timeout=30, trust_env=False) as client:
            until(200, lambda: client.get("/version"))
            answers = [client.get("/version") for _ in range(20)]
            refused = [one for one in answers if one.status_code == 429]
            assert refused
            assert refused[0].headers["Retry-After"] == "1"
            until(200, lambda: client.get("/version"))
        assert {main_client.get("/version").status_code for _ in range(20)} == {200}


def test_a_key_that_stays_keeps_its_count_and_the_first_key_allows_everything() -> None:
    ring = KeyRing("main")
    stored = StoredKey(digest_of(b"k"), Client("shop", frozenset({Scope.READ})), 2)
    assert ring.find(b"k") is None
    ring.replace([stored])
    first = ring.find(b"k")
    ring.replace([stored])
    again = ring.find(b"k")
    assert first
    assert again
    assert again.bucket is first.bucket
    ring.replace([])
    assert ring.find(b"k") is None
    known = ring.find(b"main")
    assert known
    assert (known.client, known.bucket) == (EVERYTHING, None)
    bucket = Bucket(2)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
