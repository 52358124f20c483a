"""Who asks, and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from promo_campaigns.ledger.interventions import stop_sending

if TYPE_CHECKING:
    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

RIGHTS = {
    "viewer": (False, False, False),
    "user": (True, False, False),
    "op": (True, True, True),
    "admin": (True, True, True),
}


@pytest.mark.parametrize("role", RIGHTS)
def test_a_user_is_told_what_they_may_do(site: Site, role: str) -> None:
    told = site.roles[role].get("me")
    assert told["user"] == f"{role}@example"
    assert tuple(told["rights"].values()) == RIGHTS[role]
    assert told["sending_stopped"] is None


def test_everybody_is_told_who_stopped_all_sending(site: Site, store: Connection) -> None:
    stop_sending(store, by="olga", reason="wrong discount")
    told = site.viewer.get("me")["sending_stopped"]
    assert (told["by"], told["reason"]) == ("olga", "wrong discount")
