"""The states and changes, said once in ``model/assignment_state.py``, are what the store allows and the page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from integration.scenario import add_codes, add_contacts, open_welcome
from named_sql import sql_files
from promo_campaigns.model.assignment_state import EDGES, WITH_CODE, WITH_REASON, AssignmentState
from promo_campaigns.postgres.sql import queries
from states_page import PAGE, PICTURE, page
from states_picture import picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

ROOT = Path(__file__).parents[2]
VALUES = {state.value for state in AssignmentState}
CHANGES_STATE = re.compile(r"update promo\.assignment( a)?\s+set state =")
ADD = """
insert into promo.assignment (run_id, contact_id, state, promo_code_id, reason, lease_token, lease_until)
values (%(run_id)s, %(contact_id)s, %(state)s, %(code)s, %(reason)s, %(token)s, %(until)s)
"""
CHANGE = """
update promo.assignment
set state = %(state)s, promo_code_id = %(code)s, reason = %(reason)s, lease_token = %(token)s, lease_until = %(until)s
where run_id = %(run_id)s and contact_id = %(contact_id)s
"""
ANSWERED = """
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, outcome, finished_at)
values (%(run_id)s, %(contact_id)s, 1, 1, 'message', %(outcome)s,
  case when %(outcome)s::text is not null then now() end)
"""


@pytest.fixture
def ids(store: Connection) -> dict[str, int]:
    """Return a run, and a contact of its own who has no assignment and whose is the only code."""
    run = open_welcome(store)
    [contact_id] = add_contacts(store, 1)
    add_codes(store, 1)
    store.execute("update promo.promo_code set issued_at = now(), held_by = %s", [contact_id])
    return {"run_id": run.run_id, "contact_id": contact_id}


def columns_of(state: AssignmentState) -> dict[str, object]:
    """Return what an assignment in a state must have, and nothing that it may not."""
    sending = state is AssignmentState.SENDING
    return {
        "state": state.value,
        "code": 1 if state in WITH_CODE else None,
        "reason": "a reason" if state in WITH_REASON else None,
        "token": 1 if sending else None,
        "until": "infinity" if sending else None,
    }


def is_allowed(store: Connection, change: dict[str, object]) -> bool:
    """Change the assignment, and tell whether the store let it pass."""
    try:
        store.execute(CHANGE, change)
    except psycopg.errors.CheckViolation as refused:
        if refused.diag.constraint_name != "assignment_transition":
            raise  # another constraint than the one that is tried
        return False
    return True


def allowed(store: Connection, ids: dict[str, int], *outcomes: str | None) -> Iterator[tuple[str, str]]:
    """Try every change of state after such attempts, and yield those that the store lets pass."""
    for source in AssignmentState:
        for target in set(AssignmentState) - {source}:
            with store.transaction(force_rollback=True):
                store.execute(ADD, ids | columns_of(source))
                for outcome in outcomes:
                    store.execute(ANSWERED, ids | {"outcome": outcome})
                if is_allowed(store, ids | columns_of(target)):
                    yield source.value, target.value


def test_the_store_allows_the_edges_and_no_other_change(store: Connection, ids: dict[str, int]) -> None:
    edges = {(edge.source.value, edge.target.value): edge for edge in EDGES}
    assert len(edges) == len(EDGES)
    on_evidence = {pair for pair, edge in edges.items() if edge.on_evidence}
    on_refusals = {pair for pair, edge in edges.items() if edge.on_refusals}
    assert set(allowed(store, ids, "ok")) == set(edges) - on_refusals
    assert set(allowed(store, ids, None)) == set(edges) - on_refusals - on_evidence
    assert set(allowed(store, ids, "refused")) == set(allowed(store, ids)) == set(edges) - on_evidence
    labels = store.execute("select unnest(enum_range(null::promo.assignment_state))::text as label").fetchall()
    assert [row["label"] for row in labels] == [state.value for state in AssignmentState]


def test_the_page_says_what_the_edges_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/states_page.py"
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run python tests/states_page.py"


def test_every_statement_that_changes_states_is_named_by_an_edge() -> None:
    texts = [queries(f"promo_campaigns.{file}") for file in sql_files()]
    changing = {name for text in texts for name, query in text.items() if CHANGES_STATE.search(query)}
    assert {name for edge in EDGES for name in edge.made_by} == changing


@pytest.mark.parametrize("folder", ["plugins", "tests/faults"])
def test_no_set_of_states_is_written_out_again(folder: str) -> None:
    """Sets of states have names in ``model/assignment_state.py``, which the oracles of the fault tests use as well."""
    found = []
    for file in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse("" if file.stem.startswith("test_") else file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Set | ast.Tuple | ast.List):
                named = [it.value for it in node.elts if isinstance(it, ast.Constant) and it.value in VALUES]
                if len(named) == len(node.elts) > 1:
                    found.append(f"{file.relative_to(ROOT)}:{node.lineno} {named}")
    assert found == []
