"""Lets a user at a run only if they may see its workflow, or act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.lookups.progress import read_name
from promo_campaigns.ui.page_errors import PageError

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.ui.rights import Caller


def visible_run(connection: Connection, caller: Caller, run_id: int) -> dict[str, Any]:
    """Return a run's run_id, run_key, workflow, closed_at, halt and mode.

    :raises PageError: there is none, or they may not see it: they cannot tell which
    """
    name = read_name(connection, run_id)
    if name is None or not caller.sees(name["workflow"]):
        raise PageError(404, f"there is no run {run_id}")
    return name


def acted_run(connection: Connection, caller: Caller, run_id: int) -> dict[str, Any]:
    """Return a run as ``visible_run``, for an act.

    :raises PageError: they may not see it, or not act on it
    """
    name = visible_run(connection, caller, run_id)
    caller.require_act_on(name["workflow"])
    return name
