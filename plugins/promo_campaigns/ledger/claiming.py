"""Claiming codes: who of a run may be given one now, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.starts import start_codes
from promo_campaigns.ledger.fallback import give_fallback
from promo_campaigns.ledger.halts import read_halt, require_no_halt
from promo_campaigns.ledger.matching.claims import CLAIM_MATCHING, REUSE_MATCHING
from promo_campaigns.ledger.oversight.first_share import FirstShareGate
from promo_campaigns.model.errors import NotApprovedError, PoolShortageError, QuietHoursError
from promo_campaigns.model.run import until
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.retry import retry_on_deadlock
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.model.oversight.halt import Halt
    from promo_campaigns.model.run_spec import CodeRequest, FallbackCode
    from promo_campaigns.postgres.reconnecting import Store

OPEN_S = 60.0
"""Seconds for which nobody shall be in quiet hours when a code is claimed: as long as calls of a lease may begin."""
_NO_LIMITS = {"quiet": False, "capped": False, "reuses": False, "staged": False, "matches": False}
_ASSIGNMENT = queries("promo_campaigns.ledger.assignments")
_ATTEMPT = queries("promo_campaigns.ledger.attempts")


class ClaimingLedger:
    """The part of the ledger that gives out codes, over one connection, which must be in autocommit mode.

    :param fallback: the code of those for whom the pool has none, where the run has one
    """

    def __init__(self, connection: Store, fallback: FallbackCode | None = None) -> None:
        self._connection = connection
        self._fallback = fallback
        self._frozen: dict[int, dict[str, Any]] = {}
        self._gate = FirstShareGate(connection)

    @retry_on_deadlock
    def held_codes(self, run_id: int, contact_ids: Sequence[int]) -> list[tuple[int, str]]:
        """Return which of the contacts hold which code, in order."""
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        rows = self._connection.execute(_ASSIGNMENT["read_codes"], whose).fetchall()
        return [(row["contact_id"], row["code"]) for row in rows]

    @retry_on_deadlock
    def assign_codes(self, run_id: int, contact_ids: Sequence[int], codes: CodeRequest) -> list[tuple[int, str]]:
        """Give each contact its code, once, and return who holds which, in the order of contact ids.

        Contacts whose send-by has passed are left out, and so are those in quiet hours or beyond the first share of a
        run that was not let go on yet, see ``require_open``. Who has had as many messages as the run's cap allows is
        skipped. A contact who holds a code of this run keeps it; if the run reuses codes a contact that holds one of
        another run is given that again. With fewer codes than contacts the last ones are given the run's fallback
        code, if it has one, or skipped, if it may go out to some only. Of a chain of pools each gives what it has to
        those for whom the pools before had none. Where too few are left, codes whose start has come are put into the
        pool first.

        :raises PoolShortageError: there are fewer codes than contacts; then none of these contacts was given one
        :raises NotApprovedError: a person must approve the run first
        :raises RunHaltedError: the run is paused, or all sending is stopped
        """
        self.weigh_first_share(run_id)
        try:
            return self._assign(run_id, contact_ids, codes)
        except PoolShortageError:
            if not start_codes(self._connection):
                raise
            return self._assign(run_id, contact_ids, codes)

    def _assign(self, run_id: int, contact_ids: Sequence[int], codes: CodeRequest) -> list[tuple[int, str]]:
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
        with self._connection.transaction():
            halt = self._halted(run_id, contact_ids)
            if halt is not None:
                require_no_halt(halt)
                return self.held_codes(run_id, contact_ids)
            self._connection.execute(_ASSIGNMENT["expire_overdue"], whose)
            first = self._first(run_id, contact_ids)
            claiming = {**whose, "contact_ids": self._claim(run_id, first, codes)}
            self._connection.execute(_ASSIGNMENT["skip_without_code"], claiming)
            pending = self._connection.execute(_ASSIGNMENT["count_pending"], claiming).fetchone()
            if pending and pending["contacts"] and pending["unapproved"]:
                msg = (
                    f"run {run_id} waits for its approval, so nobody of it is given a code; answer in Airflow under "
                    "Required Actions, or with promo runs approve|reject"
                )
                raise NotApprovedError(msg)
            if pending and pending["contacts"]:
                msg = (
                    f"{pending['contacts']} of {len(contact_ids)} contacts got no code: {codes.named} has run out of "
                    f"codes valid for {codes.days} days; load more and retry this task"
                )
                raise PoolShortageError(msg)
            return self.held_codes(run_id, contact_ids)

    @retry_on_deadlock
    def require_open(self, run_id: int, contact_ids: Sequence[int]) -> None:
        """Make sure that none of the contacts who wait for a code or a message is to be worked on later only.

        :raises FirstShareError: this ledger passed over some, since the run goes to others first
        :raises QuietHoursError: some are in quiet hours; it says when the first of them may be written to
        """
        self._gate.require_let_go(run_id)
        closed = [zone for zone in self._zones(run_id, contact_ids) if zone["wait_s"] > 0]
        if closed:
            contacts, wait_s = sum(len(zone["contact_ids"]) for zone in closed), min(zone["wait_s"] for zone in closed)
            named = ", ".join(zone["zone"] for zone in closed)
            msg = f"it is quiet hours for {contacts} contacts of run {run_id} ({named}), {until(wait_s)}"
            raise QuietHoursError(msg, wait_s=wait_s)

    def weigh_first_share(self, run_id: int) -> None:
        """Let a run that began with a first share go on, or pause it, if it is time for that."""
        if self._limits(run_id)["staged"]:
            self._gate.weigh(run_id)

    def _first(self, run_id: int, contact_ids: Sequence[int]) -> list[int]:
        """Return who of the contacts is not kept back behind a first share."""
        return self._gate.first(run_id, contact_ids) if self._limits(run_id)["staged"] else list(contact_ids)

    def _halted(self, run_id: int, contact_ids: Sequence[int]) -> Halt | None:
        """Return what keeps the run from sending, and keep it so until the transaction ends.

        Of a run that was cancelled, those of the contacts who wait are skipped.
        """
        halt = read_halt(self._connection, run_id)
        if halt is not None and halt.is_final:
            whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids)}
            self._connection.execute(_ATTEMPT["fold_lapsed"], whose)
            self._connection.execute(_ASSIGNMENT["skip_cancelled"], whose)
        return halt

    def _claim(self, run_id: int, contact_ids: Sequence[int], codes: CodeRequest) -> list[int]:
        """Find a code for each of the contacts who is pending and may be written to; return who may be.

        Each pool of a chain is asked for those for whom the pools before had none; codes that carry what a contact has
        come before those that suit everybody, so that these are left to contacts who have no others.
        """
        may = self._open(run_id, contact_ids)
        limits = self._limits(run_id)
        if limits["capped"] or limits["reuses"]:
            whose = {"run_id": run_id, "contact_ids": bigint_array(may)}
            may = [row["contact_id"] for row in self._connection.execute(_ASSIGNMENT["lock_contacts"], whose)]
        whom = {"run_id": run_id, "contact_ids": bigint_array(may), "days": codes.days}
        claim: dict[str, object] = {**whom, **self._moment()}
        if limits["capped"]:
            self._connection.execute(_ASSIGNMENT["skip_capped"], claim)
        else:
            claim["claim_id"] = None
        for statement in _statements(limits):
            for pool in codes.pools:
                self._connection.execute(statement, {**claim, "type": pool.type, "discount": pool.discount})
        if self._fallback is not None:
            give_fallback(self._connection, self._fallback, claim)
        return may

    def _moment(self) -> dict[str, Any]:
        """Read the clock once for a whole claim, and draw its place in the ledger's order."""
        return self._connection.execute(_ASSIGNMENT["read_moment"]).fetchone() or {}

    def _open(self, run_id: int, contact_ids: Sequence[int]) -> list[int]:
        """Give up those whose quiet hours outlast the send-by; return the others who are in none now."""
        if not self._limits(run_id)["quiet"]:
            return list(contact_ids)
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids), "open_s": OPEN_S}
        self._connection.execute(_ASSIGNMENT["give_up_quiet"], whose)
        zones = self._zones(run_id, contact_ids)
        return [contact_id for zone in zones if zone["wait_s"] <= 0 for contact_id in zone["contact_ids"]]

    def _zones(self, run_id: int, contact_ids: Sequence[int]) -> list[dict[str, Any]]:
        if not self._limits(run_id)["quiet"]:
            return []
        whose = {"run_id": run_id, "contact_ids": bigint_array(contact_ids), "open_s": OPEN_S}
        return self._connection.execute(_ASSIGNMENT["read_zones"], whose).fetchall()

    def _limits(self, run_id: int) -> dict[str, Any]:
        """Read what limits the run, once: it is frozen."""
        if run_id not in self._frozen:
            row = self._connection.execute(_ASSIGNMENT["read_limits"], {"run_id": run_id}).fetchone()
            self._frozen[run_id] = row or _NO_LIMITS
        return self._frozen[run_id]


def _statements(limits: Mapping[str, bool]) -> list[str]:
    """Return the statements of a claim in order; each is asked of all pools before the next."""
    if limits["matches"]:
        return [*([REUSE_MATCHING] if limits["reuses"] else []), CLAIM_MATCHING, _ASSIGNMENT["claim_codes"]]
    return [*([_ASSIGNMENT["reuse_codes"]] if limits["reuses"] else []), _ASSIGNMENT["claim_codes"]]
