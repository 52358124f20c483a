"""The page about DataFrames and its notebook run as they stand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

from integration.scenario import add_codes, add_contacts, open_welcome
from integration.test_uplift import HALF, pay, send

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def campaign(store: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Send the workflow of the documents to forty contacts; return who was given a code."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn.replace("postgresql://", "postgres://"))
    add_contacts(store, 40)
    add_codes(store, 50)
    sent = set(send(store, open_welcome(store, spec=replace(HALF, workflow="welcome_push"))))
    pay(store, sorted(sent)[:6], kind="OrderPaid")
    return sent


def run(cells: list[str]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile(cell, "cell", "exec"), names)  # noqa: S102  (our own documents)
    return names


def test_the_examples_of_the_page_run(campaign: set[int]) -> None:
    page = (DOCS / "dataframes.md").read_text(encoding="utf-8")
    names = run(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    assert len(names["unused"]) == len(campaign)
    assert names["counts"]["accepted"] == len(campaign)
    assert list(names["low"]["type"]) == ["Welcome"]
    assert names["report"].inserted == 2


def test_the_cells_of_the_notebook_run_and_draw(campaign: set[int]) -> None:
    mpl.use("Agg")
    notebook = json.loads((DOCS / "campaign.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names = run(code)
    assert names["reached"]["message accepted"] == len(campaign)
    assert int(names["burn_down"].iloc[-1]["Welcome"]) == 50 - len(campaign)
    assert names["uplift"].loc["treated", "rate"] == pytest.approx(6 / len(campaign))
    assert all(cell.get("outputs", []) == [] for cell in notebook["cells"])
    assert len(plt.get_fignums()) >= 1
    plt.close("all")
