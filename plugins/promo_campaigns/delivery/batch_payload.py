"""What one block hands to the next through XCom: contact ids and codes, as two parallel lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import LedgerConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeGuard

NO_RUN = 0
"""The id of the run that a dry run does not open; Airflow keeps no XCom that is None."""
MAX_RUN_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPayload:
    """A batch on its way. Its text holds counts only, since Airflow stores and shows rendered fields.

    :ivar codes: parallel to ``contact_ids``; empty before Get promo code
    :ivar repair: send nothing, write profiles again
    """

    run_id: int
    contact_ids: Sequence[int] = field(repr=False)
    codes: Sequence[str] = field(default=(), repr=False)
    repair: bool = False

    def __str__(self) -> str:
        """Return the form Airflow shows."""
        codes = " and their codes" if self.codes else ""
        return f"{len(self.contact_ids)} contacts of run {self.run_id}{codes}"

    @property
    def name(self) -> str:
        """What a task is called that works on it: the first and the last contact, by their ids."""
        return f"contacts {min(self.contact_ids)} to {max(self.contact_ids)}" if self.contact_ids else "no contacts"

    def as_xcom(self) -> dict[str, Any]:
        """Return the form that travels."""
        handed = {"run_id": self.run_id, "contact_ids": list(self.contact_ids), "codes": list(self.codes)}
        return {**handed, "repair": True} if self.repair else handed

    @classmethod
    def from_xcom(cls, value: object) -> BatchPayload:
        """Read what an earlier block returned.

        :raises LedgerConflictError: it is no such value
        """
        if isinstance(value, BatchPayload):
            return value
        if not is_batch_payload(value):
            msg = "expected the output of the block before this one: run_id, contact_ids and codes"
            raise LedgerConflictError(msg)
        return cls(
            run_id=value["run_id"],
            contact_ids=value["contact_ids"],
            codes=value.get("codes", ()),
            repair=bool(value.get("repair")),
        )

    @classmethod
    def from_pairs(cls, run_id: int, pairs: Sequence[tuple[int, str]], *, repair: bool = False) -> BatchPayload:
        """Return the payload of contacts and the codes they hold."""
        contact_ids, codes = [contact for contact, _ in pairs], [code for _, code in pairs]
        return cls(run_id=run_id, contact_ids=contact_ids, codes=codes, repair=repair)


def is_batch_payload(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value has the form that travels between blocks."""
    return isinstance(value, dict) and "run_id" in value and isinstance(value.get("contact_ids"), list)
