"""What the contacts of a run have, by which codes are given to them: frozen when the run is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors import LedgerError
from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import CodeRequest, RunSpec
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


def match_arrays(codes: CodeRequest) -> dict[str, list[str] | None]:
    """Return what codes must match as statements take it: names and sources, in parallel; None where nothing is."""
    return {
        "match_names": [one.name for one in codes.match] or None,
        "match_sources": [one.source for one in codes.match] or None,
    }


def match_contacts(connection: Connection, run_id: int, spec: RunSpec) -> None:
    """Freeze what the contacts of a run that is being opened have, before the codes that it needs are counted."""
    if spec.codes.match:
        connection.execute(_SQL["keep_values"], {"run_id": run_id})
        _need_none(connection, run_id, spec)


def match_again(connection: Connection, run: Run) -> None:
    """Let a run that is opened again match what it did.

    :raises LedgerError: what its contacts had was erased
    """
    if not run.spec.codes.match:
        return
    if not connection.execute(_SQL["has_values"], {"run_id": run.run_id}).fetchall()[0]["kept"]:
        msg = (
            f"run {run.run_key} is to be sent again, and what its codes must match of contacts was erased. To send to "
            "others, give the send an edition of its own"
        )
        raise LedgerError(msg)
    _need_none(connection, run.run_id, run.spec)


def _need_none(connection: Connection, run_id: int, spec: RunSpec) -> None:
    if spec.reuse.gives_again:
        connection.execute(_SQL["need_no_code"], {"run_id": run_id})


def skip_short(connection: Connection, run_id: int, short: Mapping[str, int]) -> None:
    """Let the last of the contacts who have the same go without a code.

    :param short: how many codes are missing, by what contacts have
    """
    lacking = {"attributes": text_array(list(short)), "codes": bigint_array(list(short.values()))}
    connection.execute(_SQL["skip_short"], {"run_id": run_id, **lacking})
