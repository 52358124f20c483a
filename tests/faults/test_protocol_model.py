"""The protocol, walked through all interleavings of two workers, a receiver and the end of leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults import protocol_model
from faults.protocol_model import Rules, State, walk
from promo_campaigns.model.assignment_state import EDGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faults.protocol_model import Answer

PAGE_STATES = {True: 35_599, False: 3_376}
"""How many states docs/protocol.md tells of."""


def forgets_unknown(attempts: Iterable[Answer | None], last: Answer) -> str:
    return protocol_model.fold([one for one in attempts if one is not None], last)


def trusts_the_newest(attempts: Iterable[Answer | None], last: Answer) -> str:
    newest = list(attempts)[-1]
    return {"ok": "accepted", None: "unknown"}.get(newest) or ("assigned" if last == "later" else "rejected")


def sends_unknown_again(now: State, *, keyed: bool) -> bool:
    return protocol_model.due(now, keyed=keyed or now.state == "unknown")


def takes_what_is_under_way(now: State, *, keyed: bool) -> bool:
    return (now.state == "sending" and now.lapsed) or protocol_model.due(now, keyed=keyed)


@pytest.mark.parametrize("keyed", [True, False])
def test_no_interleaving_doubles_a_message_or_takes_a_code_from_its_owner(keyed: bool) -> None:  # noqa: FBT001  (as the model says it)
    walked = walk(Rules(keyed=keyed))
    assert walked.broken == []
    assert walked.states == PAGE_STATES[keyed]
    assert walked.edges <= {(edge.source.value, edge.target.value) for edge in EDGES}


@pytest.mark.parametrize(
    "mistaken",
    [
        Rules(keyed=False, due=sends_unknown_again),
        Rules(keyed=False, due=takes_what_is_under_way),
        Rules(keyed=True, fold=forgets_unknown),
        Rules(keyed=False, fold=forgets_unknown),
        Rules(keyed=True, fold=trusts_the_newest),
    ],
    ids=lambda rules: f"{rules.due.__name__}, {rules.fold.__name__}, {'keyed' if rules.keyed else 'unkeyed'}",
)
def test_a_mistake_in_a_rule_is_found_with_the_steps_that_lead_to_it(mistaken: Rules) -> None:
    *path, problem = walk(mistaken).broken
    assert problem
    assert path[0] == "worker 1 commits its intent"
