"""Low stock: told of once, until the stock has recovered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseNotifier
from airflow.sdk.execution_time.context import OutletEventAccessors

from integration.scenario import add_codes
from promo_campaigns.cli import main
from promo_campaigns.code_files.stock_levels import StockLevel
from promo_campaigns.definitions.stock_level_file import read_stock_levels
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.operators.assets import PROMO_STOCK
from promo_campaigns.operators.upkeep.stock_levels import CheckCodeStockOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.postgres.connection import Connection

FILE = "Welcome:\n  warning: [10, 5]\n  alarm: 2\nGone:\n  alarm: 0\n"


class Told(BaseNotifier):
    """Keeps what it is told of, its template rendered."""

    template_fields = ("text",)

    def __init__(self, text: str, told: list[str], *, fails: bool = False) -> None:
        super().__init__()
        self.text = text
        self.told = told
        self.fails = fails

    def notify(self, context: Any) -> None:  # noqa: ANN401, ARG002  (Airflow's signature)
        if self.fails:
            msg = "the mail server is away"
            raise ConnectionError(msg)
        self.told.append(self.text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stock_levels.yaml").write_text(FILE)
    return tmp_path


@pytest.fixture
def check(dsn: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs the check; ``events`` of the last one are its asset events."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)

    def run(notifiers: Sequence[BaseNotifier] = ()) -> Any:  # noqa: ANN401  (the block's answer and its events)
        context: Any = {"outlet_events": OutletEventAccessors()}
        block = CheckCodeStockOperator(task_id="check", include_folder=str(folder), notifiers=notifiers)
        counts = block.execute(context)
        events = [event.dest_asset_key.name for event in context["outlet_events"][PROMO_STOCK].asset_alias_events]
        return counts, events

    return run


def use(store: Connection, count: int) -> None:
    """Take codes out of the pool."""
    store.execute(
        "update promo.promo_code set retired = true where promo_code_id in"
        " (select promo_code_id from promo.promo_code where not retired limit %s)",
        [count],
    )


def test_a_level_is_told_of_when_it_is_reached_and_not_again_until_the_stock_recovers(
    store: Connection, check: Callable[..., Any]
) -> None:
    told: list[str] = []
    notifiers = [Told("{{ stock.level }} {{ stock.amount }}: {{ stock.free }} of {{ stock.type }}", told)]
    add_codes(store, 11)
    assert check(notifiers) == ({"reached": 1, "told": 1}, ["promo_stock/Gone/low"])
    use(store, 1)
    assert check(notifiers) == ({"reached": 2, "told": 1}, ["promo_stock/Welcome/low"])
    assert check(notifiers) == ({"reached": 2, "told": 0}, [])
    use(store, 8)
    assert check(notifiers)[0] == {"reached": 4, "told": 2}
    add_codes(store, 20, prefix="MORE")
    assert check(notifiers)[0] == {"reached": 1, "told": 0}
    use(store, 20)
    assert check(notifiers)[0] == {"reached": 4, "told": 3}
    assert told == [
        "alarm 0: 0 of Gone",
        "warning 10: 10 of Welcome",
        *("warning 5: 2 of Welcome", "alarm 2: 2 of Welcome"),
        *("warning 10: 2 of Welcome", "warning 5: 2 of Welcome", "alarm 2: 2 of Welcome"),
    ]


def test_a_notifier_that_fails_is_called_again(check: Callable[..., Any]) -> None:
    told: list[str] = []
    with pytest.raises(ConnectionError):
        check([Told("", told, fails=True)])
    assert check([Told("x", told)])[0] == {"reached": 4, "told": 4}
    assert told == ["x"] * 4


def test_by_default_the_log_is_told(check: Callable[..., Any], capfd: pytest.CaptureFixture[str]) -> None:
    check()
    assert "Warning: 0 codes of type 'Welcome' are left, the level is 10" in "".join(capfd.readouterr())


def test_the_command_compares_and_tells_nobody(
    dsn: str, folder: Path, store: Connection, check: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    add_codes(store, 6)
    levels = str(folder / "stock_levels.yaml")
    assert main(["codes", "stock", "--levels", levels, "--json", "--dsn", dsn]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["level"], row["amount"], row["free"], row["reached"], row["told_at"]) for row in rows] == [
        ("warning", 10, 6, True, None),
        ("warning", 5, 6, False, None),
        ("alarm", 2, 6, False, None),
        ("alarm", 0, 0, True, None),
    ]
    assert check()[0] == {"reached": 2, "told": 2}
    (folder / "stock_levels.yaml").write_text("Welcome: {alarm: 2}")
    assert main(["codes", "stock", "--levels", levels, "--dsn", dsn]) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Welcome:\n  alrm: 5", r"stock_levels\.yaml:2: there is no level 'alrm'\. Use warning or alarm"),
        ("Welcome:\n  alarm: few", r"stock_levels\.yaml:2: 'alarm' must be a number"),
        ("Welcome:\n  alarm: [1,\n    -2]", r"stock_levels\.yaml:3: 'alarm' must be a number"),
        ("Welcome: 5", r"stock_levels\.yaml:1: 'Welcome' must set levels"),
        ("- Welcome", r"stock_levels\.yaml: the file must hold settings"),
        ("Welcome: {alarm: [5,\n  5]}", r"stock_levels\.yaml:2: alarm 5 of 'Welcome' stands twice"),
        ("Welcome: {alarm: 5, alarm: 6}", r"stock_levels\.yaml:1: the setting 'alarm' stands twice"),
        ("Welcome: {alarm: 9999999999999}", r"stock_levels\.yaml:1: 'alarm' must be a number"),
        ("a: b: c", r"stock_levels\.yaml:1: not YAML"),
    ],
)
def test_a_wrong_file_is_told_by_its_line(folder: Path, text: str, problem: str) -> None:
    (folder / "stock_levels.yaml").write_text(text)
    with pytest.raises(DefinitionError, match=problem):
        read_stock_levels(folder / "stock_levels.yaml")


def test_a_file_that_is_missing_is_an_error_and_an_empty_one_sets_no_levels(folder: Path) -> None:
    with pytest.raises(DefinitionError, match=r"none\.yaml: there is no such file"):
        read_stock_levels(folder / "none.yaml")
    (folder / "stock_levels.yaml").write_text("# nothing yet\n")
    assert read_stock_levels(folder / "stock_levels.yaml") == ()


def test_the_sample_file_is_right() -> None:
    from promo_campaigns.hooks.include import include_folder

    assert StockLevel("Welcome", "alarm", 50) in read_stock_levels(include_folder(None) / "stock_levels.yaml")


def test_the_dag_checks_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "dags"))
    import check_code_stock

    dag = check_code_stock.check.dag
    assert (dag.dag_id, [task.task_id for task in dag.tasks], dag.catchup) == ("check_code_stock", ["check"], False)
