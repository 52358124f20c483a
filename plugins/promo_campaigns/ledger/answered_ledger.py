"""The ledger of a run whose message reads answers of data sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from promo_campaigns.ledger.evidence import evidence
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.run import Purpose
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.retry import run_until_booked
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Lease
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.reconnecting import Store

_ANSWER = queries("promo_campaigns.ledger.answers")


class AnsweredLedger(PostgresLedger):
    """Keeps what data sources answer before the message, and hands out each recipient with it.

    :param spec: the run's definition, which names the sources
    """

    def __init__(self, connection: Store, spec: RunSpec) -> None:
        super().__init__(connection, spec.fallback)
        self._names = {place: spec.data_sources[place].name for place in spec.places(before=True)}

    def begin_answers(  # noqa: PLR0913  (whom, for how long, and which of them)
        self,
        run_id: int,
        contact_ids: Sequence[int],
        *,
        lease_s: float,
        source: int,
        shows_code: bool,
        limit: int | None = None,
    ) -> Lease:
        """Commit the intent to ask a data source before the message, and lease those it has not answered for.

        :param source: place of the data source in the run's definition
        :param shows_code: the code leaves with the call, so that it must never be somebody else's
        :param limit: as for messages
        """
        terms = {"lease_s": lease_s, "source": source, "shows_code": shows_code}
        return self._begin(Purpose.ANSWER, run_id, contact_ids, terms, limit)

    @run_until_booked
    def record_answer_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        """Write the evidence and keep the answers; who is refused is rejected, and the others are due again."""
        with self._connection.transaction():
            self._record({**evidence(lease, results), "answers": [result.answer for result in results]})

    def _lease(self, purpose: Purpose, terms: dict[str, Any], limit: int | None, drawn: list[int]) -> Lease:
        lease = super()._lease(purpose, terms, limit, drawn)
        answers = self._answers(lease)
        return replace(
            lease, recipients=[replace(one, answers=answers.get(one.contact_id)) for one in lease.recipients]
        )

    def _answers(self, lease: Lease) -> dict[int, dict[str, object]]:
        """Return what was answered, by contact and name of the source."""
        found: dict[int, dict[str, object]] = {}
        whose = {"run_id": lease.run_id, "contact_ids": bigint_array([one.contact_id for one in lease.recipients])}
        for row in self._connection.execute(_ANSWER["read_answers"], whose).fetchall():
            found.setdefault(row["contact_id"], {})[self._names[row["source"]]] = row["value"]
        return found


def make_ledger(connection: Store, spec: RunSpec) -> PostgresLedger:
    """Return the ledger for a run with this definition."""
    return AnsweredLedger(connection, spec) if spec.places(before=True) else PostgresLedger(connection, spec.fallback)
