"""Refuses a run when the same send was opened minutes ago, as a second click does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors import RepeatedRunError
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from datetime import timedelta

    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def require_no_repeat(connection: Connection, run_id: int, spec: RunSpec, within: timedelta | None) -> None:
    """Refuse a run that was opened in this transaction if another one like it was opened within a span before.

    Alike are runs of one workflow, definition and audience. One that is closed and reached nobody does not count. Two
    that are opened in one moment wait for each other at their pool, so that one of them is seen by the other.

    :param within: the span; None if the run is meant, whatever came before it
    :raises RepeatedRunError: there is one; it says which, and how to mean it
    """
    if within is None:
        return
    asked = {"run_id": run_id, "workflow": spec.workflow, "spec_sha256": spec.sha256, "within": within}
    row = connection.execute(_SQL["find_repeated"], asked).fetchone()
    if row is not None:
        msg = (
            f"run {row['run_key']} of the same workflow, definition and audience was opened {row['seconds']:.0f} s "
            "ago, so this one is refused, and nobody was given a second code. If it is meant, trigger it with "
            "repeat: true, or with an edition of its own"
        )
        raise RepeatedRunError(msg)
