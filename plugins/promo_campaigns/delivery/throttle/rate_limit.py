"""How the tokens of a rate budget are leased and taken. Moments are seconds on any one clock.

The tokens of a budget are evenly spaced. Workers lease them in batches, and no token belongs to two batches. A call
begins at its token's moment or a little later; a token that was missed by more than that is lost, never made up for. So
any second sees the tokens of that second and of the little before it: the budget and less than a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from promo_campaigns.connections.settings import LIMITS
from promo_campaigns.http.rate_limit_port import TOKEN_BATCH_S, Budget

if TYPE_CHECKING:
    from promo_campaigns.connections.settings import ConnectionSettings

LATE_S = TOKEN_BATCH_S / 4
"""How late a call may begin."""
CHUNK_SHARE = 0.125
MAX_PER_S = 10_000
MAX_CONCURRENCY = 1000


@dataclass(slots=True)
class TokenBatch:
    """Tokens leased together, one every ``every_s`` seconds from ``begins_at`` on.

    :ivar taken: how many tokens are gone
    """

    begins_at: float
    tokens: int
    every_s: float
    taken: int = 0

    def take(self, now: float, weight: int = 1) -> float | None:
        """Take the next token that is not missed yet and return its moment; None when too few are left.

        :param weight: how many tokens the call needs; it begins at the first of them
        """
        missed = ceil((now - LATE_S - self.begins_at) / self.every_s - 1e-9)
        first = max(self.taken, missed)
        if first + weight > self.tokens:
            self.taken = self.tokens
            return None
        self.taken = first + weight
        return self.begins_at + first * self.every_s


def parse_budget(connection: ConnectionSettings) -> Budget | None:
    """Read the limits of a connection; None where it sets none.

    :raises ConfigurationError: one is no number or out of bounds, or requests and messages are both limited
    """
    given = [name for name in (*LIMITS, "concurrency") if connection.text(name)]
    if not given:
        return None
    if set(LIMITS) <= set(given):
        connection.fail(f"has both extras {' and '.join(LIMITS)}; leave one of them out")
    rates = [connection.number(name, 1.0, least=0.1, most=MAX_PER_S) for name in given if name in LIMITS]
    slots = connection.number("concurrency", 1, least=1, most=MAX_CONCURRENCY)
    return Budget(
        per_s=rates[0] if rates else None,
        concurrency=int(slots) if "concurrency" in given else None,
        by_message="messages_per_s" in given,
    )


def next_chunk(size: int, called: int, *, took_s: float, lease_s: float) -> int:
    """How many contacts to commit an intent for next: fewer where the last ones needed much of their lease.

    A contact with a committed intent that is not called for in time has to be put off.

    :param size: what the last chunk might have held
    :param called: what it held
    """
    fits = took_s <= lease_s * CHUNK_SHARE
    return size * 2 if fits else max(1, int(called * lease_s * CHUNK_SHARE / took_s))
