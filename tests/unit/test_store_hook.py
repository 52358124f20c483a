"""From an Airflow connection to the store."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict

from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    UseConnection = Callable[[str], PromoStoreHook]


@pytest.fixture
def hook_on(monkeypatch: pytest.MonkeyPatch) -> UseConnection:
    def use(uri: str) -> PromoStoreHook:
        monkeypatch.setenv("AIRFLOW_CONN_PROMO_STORE_TEST", uri)
        return PromoStoreHook("promo_store_test")

    return use


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        (
            "postgres://promo:secret%40%2F%3A@db.internal:5433/shop?sslmode=require",
            {
                "user": "promo",
                "password": "secret@/:",
                "host": "db.internal",
                "port": "5433",
                "dbname": "shop",
                "sslmode": "require",
            },
        ),
        (
            "postgres://promo@127.0.0.1:55432/promo",
            {"user": "promo", "host": "127.0.0.1", "port": "55432", "dbname": "promo"},
        ),
        ("postgres://[::1]:5432/promo", {"host": "::1", "port": "5432", "dbname": "promo"}),
        (
            '{"conn_type": "postgres", "host": "/run/postgresql", "schema": "p%r"}',
            {"host": "/run/postgresql", "dbname": "p%r"},
        ),
    ],
)
def test_the_uri_says_what_the_connection_says(hook_on: UseConnection, uri: str, parts: dict[str, str]) -> None:
    assert conninfo_to_dict(hook_on(uri).dsn) == parts


def test_a_connection_of_another_type_is_refused(hook_on: UseConnection) -> None:
    with pytest.raises(ConfigurationError, match=r"promo_store_test has the type 'http'; the store needs postgres"):
        _ = hook_on("http://example.org").dsn


def test_an_unknown_extra_is_refused_by_name_without_its_value(hook_on: UseConnection) -> None:
    with pytest.raises(ConfigurationError, match=r"has the extra replication; it makes a session") as caught:
        _ = hook_on("postgres://h/d?replication=secret-value").dsn
    assert "secret-value" not in str(caught.value)


def test_importing_the_hook_does_not_load_the_driver() -> None:
    program = "import sys, promo_campaigns.hooks.store; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
