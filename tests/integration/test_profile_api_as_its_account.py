"""The tests of the profile API once more, on a server whose account has an API's rights and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integration.accounts import account
from integration.profile_server import serving
from integration.test_profile_api import *  # noqa: F403  (they are what is run)
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


@pytest.fixture  # type: ignore[no-redef]  # it stands in for the one of the tests
def client(dsn: str) -> Iterator[httpx.Client]:
    """Return a client of a profile API whose account has an API's rights."""
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
        create_field(connection, "Visits", "number", field_id=7)
    with account(dsn, "api") as address, serving(address) as client:
        yield client
