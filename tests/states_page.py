"""Makes ``docs/states.md`` and its picture of the states and edges: ``python tests/states_page.py``."""

from __future__ import annotations

from pathlib import Path

from promo_campaigns.model.assignment_state import EDGES, AssignmentState, Edge
from states_picture import picture

PAGE = Path(__file__).parents[1] / "docs" / "states.md"
PICTURE = PAGE.parent / "pictures" / "states.svg"
_HEAD = """# States of an assignment

An assignment is the row of the ledger for one contact of one run. Its state is what all its attempts prove together,
never the last answer alone. The database refuses every change that is not listed here (trigger
`assignment_transition`), and each change is made by the statements that are named beside it, in `ledger/*.sql`.

This page is made of `model/assignment_state.py` by `python tests/states_page.py`; a test compares it with the database.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([_HEAD, *_diagram(), "", *_states(), "", *_changes(), ""])


def _diagram() -> list[str]:
    lines = [f"    {edge.source.value} --> {edge.target.value}" for edge in EDGES]
    return ["```mermaid", "stateDiagram-v2", "    [*] --> pending", *lines, "```"]


def _states() -> list[str]:
    rows = [f"| `{state.value}` | {state.meaning} |" for state in AssignmentState]
    return ["| state | what it means |", "| --- | --- |", *rows]


def _changes() -> list[str]:
    rows = [_change(edge) for edge in EDGES]
    return ["| from | to | when | statements |", "| --- | --- | --- | --- |", *rows]


def _change(edge: Edge) -> str:
    only = ", allowed on the evidence of that attempt alone" if edge.on_evidence else ""
    if edge.on_refusals:
        only = ", allowed only if no attempt of the message can have arrived"
    made_by = ", ".join(f"`{name}`" for name in edge.made_by)
    return f"| `{edge.source.value}` | `{edge.target.value}` | {edge.when}{only} | {made_by} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
