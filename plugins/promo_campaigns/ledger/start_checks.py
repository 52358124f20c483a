"""What Start asks of the store before it opens a run. A preview asks the same, and tells what Start would raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.ledger.fallback import fallback_problem
from promo_campaigns.model.errors import (
    ConfigurationError,
    DefinitionError,
    PoolShortageError,
    RunClosedError,
    RunSpecChangedError,
    StockAwaitedError,
)
from promo_campaigns.model.forecast import StockPolicy, shown_values
from promo_campaigns.model.run import Mode
from promo_campaigns.model.run_report import EMPTY_AUDIENCE
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.model.errors import PromoError
    from promo_campaigns.model.forecast import Forecast
    from promo_campaigns.model.limits import Limits
    from promo_campaigns.model.run import Run
    from promo_campaigns.model.run_spec import Audience, CodeRequest, RunSpec
    from promo_campaigns.postgres.connection import Connection

_SQL = queries("promo_campaigns.ledger.runs")
NEWER_ZONES = "name one that it does, or update the server's time zone data"


def problems(
    connection: Connection, spec: RunSpec, *, contacts: int, forecast: Forecast, policy: StockPolicy
) -> Iterator[PromoError]:
    """Yield what Start would refuse a new run for, in the order in which it asks.

    :param contacts: how many contacts the audience holds
    :param forecast: what the run would need, and what there is
    :param policy: what it does with too few codes
    """
    found = (
        zone_problem(connection, spec.limits),
        fallback_problem(connection, spec.fallback, spec.codes),
        audience_problem(spec.audience, contacts),
        None if spec.fallback else stock_problem(forecast, spec.codes, policy),
    )
    yield from (problem for problem in found if problem)


def zone_problem(connection: Connection, limits: Limits) -> ConfigurationError | None:
    """Return what is wrong with the time zone of a definition: quiet hours that the server cannot keep."""
    if not limits.time_zone or knows_zone(connection, limits.time_zone):
        return None
    msg = f"the time_zone {limits.time_zone!r} is not known to the promo database's server; {NEWER_ZONES}"
    return ConfigurationError(msg)


def require_zones(connection: Connection, run_id: int) -> None:
    """Refuse a run with contacts whose quiet hours the server cannot keep: it may have known their zones once.

    :raises ConfigurationError: it names their zones
    """
    strange = connection.execute(_SQL["read_strange_zones"], {"run_id": run_id}).fetchall()
    if strange:
        contacts, named = sum(row["contacts"] for row in strange), ", ".join(row["zone"] for row in strange[:5])
        msg = (
            f"{contacts} contacts of the run have a time zone that the promo database's server does not know "
            f"({named}); {NEWER_ZONES}, or load them with another time zone"
        )
        raise ConfigurationError(msg)


def knows_zone(connection: Connection, zone: str | None) -> bool:
    """Tell whether the server knows a time zone."""
    row = connection.execute(_SQL["knows_zone"], {"zone": zone}).fetchone()
    return row is None or bool(row["known"])


def audience_problem(audience: Audience, contacts: int) -> DefinitionError | None:
    """Return what is wrong with a list that names strangers only; an audience that is empty otherwise is none."""
    if not audience.listed or not audience.listed.values or contacts:
        return None
    problem = f"none of the {len(audience.listed.values)} contacts it names is known"
    file = f"audiences/{audience.name}.{'sql' if audience.sql else 'csv'}"
    return DefinitionError(problem, file=file, hint="Load them first: promo contacts load")


def audience_notes(connection: Connection, run_id: int) -> list[str]:
    """Return notes on the audience of a run that was opened: ids that are nobody's, or that it is empty."""
    found = connection.execute(_SQL["strangers_of_run"], {"run_id": run_id}).fetchall()[0]
    return [*notes_on_strangers(found["strangers"]), *([] if found["has_contacts"] else [EMPTY_AUDIENCE])]


def count_strangers_of_run(connection: Connection, run_id: int) -> int:
    """Return how many of the ids that a run's audience listed when it was opened were nobody's."""
    found = connection.execute(_SQL["strangers_of_run"], {"run_id": run_id}).fetchall()[0]
    return int(found["strangers"])


def notes_on_strangers(count: int) -> list[str]:
    """Return a note on ids that are nobody's; empty where there are none."""
    return [f"{count:,} of the ids that the audience lists are nobody's"] if count else []


def stock_problem(forecast: Forecast, codes: CodeRequest, policy: StockPolicy) -> PoolShortageError | None:
    """Return what is wrong with a pool that is too small, where the run does not make do with it."""
    if not forecast.shortfall or policy is StockPolicy.PARTIAL:
        return None
    needed = forecast.demand + forecast.ahead
    msg = (
        f"{codes.named} holds {forecast.stock} free codes valid for "
        f"{codes.days} more days, and {needed} are needed"
        + (f", {forecast.ahead} of them for runs opened before" if forecast.ahead else "")
        + f": {forecast.shortfall} short{_lacking(forecast)}; nobody was sent anything: "
        + f"load at least {forecast.shortfall} more codes"
    )
    return StockAwaitedError(msg) if policy is StockPolicy.WAIT else PoolShortageError(msg)


def _lacking(forecast: Forecast) -> str:
    """Return which codes are missing, where codes must match their contacts."""
    short = [f"{value.short} for {value.named}" for value in shown_values(forecast.values) if value.short]
    return f" ({', '.join(short)})" if short else ""


def run_problem(run: Run, spec: RunSpec, mode: Mode | None = None) -> RunSpecChangedError | RunClosedError | None:
    """Return why the run of an occurrence that was opened before is not opened with this definition."""
    if run.spec.sha256 != spec.sha256:
        msg = (
            f"run {run.run_key} was opened with another {_changed_parts(run.spec, spec)}; a changed campaign is "
            "another send: give it an edition of its own, or restore the definition"
        )
        return RunSpecChangedError(msg)
    if run.archived_at:
        msg = (
            f"run {run.run_key} was archived on {run.archived_at:%Y-%m-%d}, and the ledger no longer knows who was "
            "reached: it is never opened again; to send to others, give the send an edition of its own"
        )
        return RunClosedError(msg)
    if run.closed and (mode or run.mode) is Mode.REFUSE:
        msg = (
            f"run {run.run_key} is closed and refuses to be run again; promo runs mode {run.run_key} missing allows it"
        )
        return RunClosedError(msg)
    return None


def _changed_parts(old: RunSpec, new: RunSpec) -> str:
    before, after = old.as_dict(), new.as_dict()
    return ", ".join(name.replace("_", " ") for name in {**before, **after} if before.get(name) != after.get(name))
