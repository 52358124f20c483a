"""The ledger of assignments and attempts. Every method is one transaction, and can be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.contacts.closing import close_channels
from promo_campaigns.ledger.claiming import ClaimingLedger
from promo_campaigns.ledger.evidence import closings_of, evidence
from promo_campaigns.ledger.halts import pause_failing, require_no_halt
from promo_campaigns.model.errors import LeaseHeldError, LedgerConflictError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import Lease, Purpose, Recipient, clock_time
from promo_campaigns.model.run_spec import CodeRequest, Pool
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.reconnecting import retried
from promo_campaigns.postgres.retry import retry_on_deadlock, run_until_booked
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.model.run import Batch

ALIKE = 20
"""How many contacts with one answer are looked for."""
_NEVER = "nothing was sent: the connection to the store was lost"
_ASSIGNMENT = queries("promo_campaigns.ledger.assignments")
_ATTEMPT = {**queries("promo_campaigns.ledger.attempts"), **queries("promo_campaigns.ledger.answers")}
_FOLDS = {
    Purpose.MESSAGE.value: ("fold_assignments",),
    Purpose.PROFILE.value: ("fold_profiles",),
    Purpose.ANSWER.value: ("keep_answers", "fold_answers"),
}
"""What makes states of the evidence, by the purpose of the calls."""


class PostgresLedger(ClaimingLedger):
    """The ledger over one connection, which must be in autocommit mode.

    Over a reconnecting connection every method outlives the loss of it: it is run again from its beginning, though what
    it did may have been committed, and does nothing twice.
    """

    @retry_on_deadlock
    def reachable_contacts(self, batch: Batch) -> list[int]:
        """Skip the batch's contacts who cannot be reached, with a reason, and return the others in order."""
        bounds = _bounds(batch)
        query = _query_of("read_reachable", batch)
        with self._connection.transaction():
            self._connection.execute(_ASSIGNMENT["skip_unreachable"], bounds)
            rows = self._connection.execute(_ASSIGNMENT[query], bounds).fetchall()
        return [row["contact_id"] for row in rows]

    @retry_on_deadlock
    def accepted_contacts(self, batch: Batch) -> list[int]:
        """Return the batch's contacts whose message was accepted, in order."""
        bounds = _bounds(batch)
        query = _query_of("read_accepted", batch)
        rows = self._connection.execute(_ASSIGNMENT[query], bounds).fetchall()
        return [row["contact_id"] for row in rows]

    def require_codes(self, run_id: int, contact_ids: Sequence[int], codes: Sequence[str]) -> None:
        """Make sure that contacts and codes handed over are those of the ledger.

        A contact whose code went back to the pool meanwhile is no conflict: it is not sent to any more.

        :raises LedgerConflictError: somebody holds another code than the one given, or the arrays differ in length
        """
        if len(contact_ids) != len(codes):
            msg = f"{len(contact_ids)} contacts came with {len(codes)} codes; the two lists must run in parallel"
            raise LedgerConflictError(msg)
        handed = dict(zip(contact_ids, codes, strict=True))
        held = self.held_codes(run_id, contact_ids)
        wrong = [contact_id for contact_id, code in held if handed[contact_id] != code]
        if wrong:
            msg = (
                f"{len(wrong)} contacts, the first of them {wrong[0]}, hold another code in run {run_id} than the one "
                "handed over; clear the task 'get_promo_code' and those after it"
            )
            raise LedgerConflictError(msg)

    @retry_on_deadlock
    def states(self, run_id: int, contact_ids: Sequence[int]) -> dict[int, str]:
        """Return the state of each contact's assignment."""
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        rows = self._connection.execute(_ASSIGNMENT["read_states"], whose).fetchall()
        return {row["contact_id"]: row["state"] for row in rows}

    @retry_on_deadlock
    def require_no_lease(self, run_id: int, contact_ids: Sequence[int]) -> None:
        """Make sure that no other worker is calling out for these contacts.

        :raises LeaseHeldError: one is, or was killed while it did; it says when its lease is over
        """
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        held = self._connection.execute(_ATTEMPT["held_leases"], whose).fetchone()
        if held and held["contacts"]:
            msg = (
                f"{held['contacts']} contacts of run {run_id} are another worker's, which may have been killed; "
                f"its lease is over in {held['wait_s']:.0f} s, at {clock_time(held['wait_s'])}"
            )
            raise LeaseHeldError(msg, wait_s=held["wait_s"])

    def begin_messages(
        self,
        run_id: int,
        contact_ids: Sequence[int],
        *,
        lease_s: float,
        resend_within_s: float,
        limit: int | None = None,
    ) -> Lease:
        """Commit the intent to send to those of the contacts who are due, and lease them.

        Nobody is while all sending is stopped or the run is halted; of one that was cancelled all who wait are skipped.
        Nobody beyond the first share is before the run was let go on.
        Due are the assigned, and the unknown whose first attempt of unknown outcome is not older than
        ``resend_within_s`` seconds. Leases that ran out are folded first; a code that fell short and was never sent is
        exchanged, as far as the pool goes; what is overdue expires. Nobody in quiet hours is due.

        :param limit: how many at most, the one called for longest ago first; None for all
        :raises RunHaltedError: the run is paused, or all sending is stopped
        """
        terms = {"lease_s": lease_s, "resend_within_s": resend_within_s}
        return self._begin(Purpose.MESSAGE, run_id, contact_ids, terms, limit)

    def begin_profiles(  # noqa: PLR0913  (whom, for how long, and which of them)
        self,
        run_id: int,
        contact_ids: Sequence[int],
        *,
        lease_s: float,
        repair: bool = False,
        source: int = 0,
        limit: int | None = None,
    ) -> Lease:
        """Commit the intent to record the codes of those contacts whose message was accepted, and lease them.

        :param repair: those recorded before as well; nobody of a run that is archived meanwhile
        :param source: place of the data source in the run's definition
        :param limit: as for messages
        """
        terms = {"lease_s": lease_s, "repair": repair, "source": source}
        return self._begin(Purpose.PROFILE, run_id, contact_ids, terms, limit)

    @run_until_booked
    def record_message_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        """Write the evidence and fold all attempts into states; a lost lease leaves evidence only.

        A channel whose locator is dead is closed with it, unless somebody is writing it: the next send tells again.
        """
        with self._connection.transaction():
            self._record(evidence(lease, results))
            close_channels(self._connection, closings_of(results), waits=False)

    @run_until_booked
    def record_profile_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        """Write the evidence; what was confirmed is recorded, the rest can be tried again."""
        with self._connection.transaction():
            self._record(evidence(lease, results))

    @retry_on_deadlock
    def count_alike(self, lease: Lease, detail: str, others: Sequence[int]) -> int:
        """Return how many contacts of the run got one answer to calls such as a lease's.

        :param detail: the answer, as the ledger keeps it
        :param others: contacts who do not count
        :return: twenty at most, for more say no more; 0 if such a call was accepted for anybody
        """
        asked = {
            "run_id": lease.run_id,
            "others": bigint_array(others),
            "purpose": lease.purpose.value,
            "source": lease.source,
            "detail": detail,
            "limit": ALIKE,
        }
        row = self._connection.execute(_ATTEMPT["count_alike"], asked).fetchone()
        return int(row["contacts"]) if row else 0

    def _record(self, told: dict[str, Any]) -> None:
        """Write evidence once: what was written before is left as it is."""
        for statement in ("lock_assignments", "record_outcomes", *_FOLDS[told["purpose"]]):
            self._connection.execute(_ATTEMPT[statement], told)
        if told["purpose"] != Purpose.PROFILE.value:
            pause_failing(self._connection, told)

    def _clear_up(self, run_id: int, contact_ids: Sequence[int]) -> None:
        """Fold leases that ran out, exchange codes that fell short and were never shown, and expire what is overdue."""
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        self._connection.execute(_ATTEMPT["fold_lapsed"], whose)
        self._exchange_short(run_id, self._open(run_id, contact_ids))
        self._connection.execute(_ASSIGNMENT["expire_overdue"], whose)

    def _exchange_short(self, run_id: int, contact_ids: Sequence[int]) -> None:
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        short = self._connection.execute(_ASSIGNMENT["return_short"], whose).fetchall()
        if short:
            pools = self._connection.execute(_ASSIGNMENT["read_pools"], whose).fetchall()
            first, *others = [Pool(type=row["type"], discount=row["discount"]) for row in pools]
            codes = CodeRequest(
                type=first.type, discount=first.discount, days=pools[0]["days"], next_pools=tuple(others)
            )
            self._claim(run_id, [row["contact_id"] for row in short], codes)

    def _begin(
        self,
        purpose: Purpose,
        run_id: int,
        contact_ids: Sequence[int],
        terms: Mapping[str, Any],
        limit: int | None,
    ) -> Lease:
        """Lease those who are due in one transaction, which is run again if it was broken off or its connection lost.

        Each try draws a token of its own. That of a try whose commit nobody heard of is remembered: what it leased was
        not called for, which the next try books before it leases anew.
        """
        terms = {
            **terms,
            "run_id": run_id,
            "contact_ids": bigint_array(contact_ids),
            "purpose": purpose.value,
            "source": terms.get("source", 0),
        }
        drawn: list[int] = []

        def begin_once() -> Lease:
            with self._connection.transaction():
                for token in drawn:
                    self._take_back({**terms, "token": token}, purpose)
                halt = None if purpose is Purpose.PROFILE else self._halted(run_id, contact_ids)
                if halt is None and purpose is not Purpose.PROFILE:
                    self._clear_up(run_id, contact_ids)
                    terms["contact_ids"] = bigint_array(self._first(run_id, contact_ids))
                if halt is None and self._holds_rows(terms):
                    return self._lease(purpose, terms, limit, drawn)
            if halt is not None:
                require_no_halt(halt)  # once what was taken back is committed
            return Lease(run_id=run_id, purpose=purpose, token=0, seconds=terms["lease_s"], recipients=[])

        return retried(self._connection, begin_once)

    def _holds_rows(self, terms: Mapping[str, Any]) -> bool:
        """Keep a run from being archived whose profiles are to be repaired, for it is closed; False if it is."""
        return (
            not terms.get("repair")
            or self._connection.execute(_ATTEMPT["hold_unarchived"], terms).fetchone() is not None
        )

    def _take_back(self, terms: dict[str, Any], purpose: Purpose) -> None:
        """Book that nobody was called for under a token whose lease never came to this worker's knowledge."""
        self._connection.execute(_ATTEMPT["hold_lease"], terms)  # until the server has ended the try that drew it
        rows = self._connection.execute(_ATTEMPT["read_unheard"], terms).fetchall()
        if rows:
            lost = Lease(run_id=terms["run_id"], purpose=purpose, token=terms["token"], seconds=0.0, recipients=[])
            never = [DeliveryResult(contact_id=row["contact_id"], outcome=Outcome.LATER, detail=_NEVER) for row in rows]
            told = evidence(lost, never)
            self._record({**told, "source": terms["source"], "answers": [None] * len(never)})

    def _lease(self, purpose: Purpose, terms: dict[str, Any], limit: int | None, drawn: list[int]) -> Lease:
        left = 0
        if limit is not None:
            due = [row["contact_id"] for row in self._connection.execute(_ATTEMPT[f"due_{purpose.value}s"], terms)]
            terms, left = {**terms, "contact_ids": bigint_array(due[:limit])}, len(due[limit:])
        row = self._connection.execute(_ATTEMPT["next_lease"]).fetchone()
        drawn.append(row["token"] if row else 0)
        leased = {**terms, "token": drawn[-1]}
        self._connection.execute(_ATTEMPT[f"begin_{purpose.value}s"], leased)
        rows = self._connection.execute(_ATTEMPT["read_recipients"], leased).fetchall()
        return Lease(
            run_id=terms["run_id"],
            purpose=purpose,
            token=drawn[-1],
            seconds=terms["lease_s"],
            recipients=[Recipient(**row) for row in rows],
            left=left,
            source=terms["source"],
            shows_code=terms.get("shows_code", True),
        )


def _query_of(name: str, batch: Batch) -> str:
    """Return the query that reads a batch: of a range of contacts, of a zone in it, or of one side of a first share."""
    if batch.first_share is not None:
        return f"{name}_by_share"
    return name if batch.zone is None else f"{name}_in_zone"


def _bounds(batch: Batch) -> dict[str, object]:
    bounds = {"run_id": batch.run_id, "first": batch.first, "last": batch.last, "zone": batch.zone}
    return {**bounds, "first_share": batch.first_share}
