"""Codes from a table of another database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.operators.assets import PROMO_CODES
from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

PAGE = (Path(__file__).parents[2] / "docs" / "codes-from-a-warehouse.md").read_text(encoding="utf-8")
[SELECT] = re.findall(r'sql="""(.*?)"""', PAGE, re.DOTALL)
COUPONS = """
create table coupons (id integer, code text, valid_until timestamptz, discount integer, kind text);
insert into coupons select n, 'WARE-' || n, '2036-03-31 22:00+00', 15, 'welcome' from generate_series(1, 12000) n;
insert into coupons values (12001, '', now(), 15, 'welcome'),
  (12002, 'WARE-X', now(), 100, 'welcome'), (12003, 'OTHER', now(), 1, 'x')
"""


def test_the_example_of_the_page_loads_a_table_once_and_what_is_new(
    store: Connection, dsn: str, bare_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", bare_dsn)
    with psycopg.connect(bare_dsn, autocommit=True) as warehouse:
        warehouse.execute(COUPONS)

        def load(sql: str = SELECT) -> tuple[dict[str, int], list[str]]:
            context: Any = {"run_id": "manual__1", "outlet_events": OutletEventAccessors()}
            block = LoadPromoCodesOperator(task_id="load", sql=sql, conn_id="warehouse", time_zone="Europe/Kyiv")
            counts = block.execute(context)
            return counts, [
                event.dest_asset_key.name for event in context["outlet_events"][PROMO_CODES].asset_alias_events
            ]

        counts, assets = load()
        assert counts == {
            "files": 1,
            "rows": 12002,
            "inserted": 12000,
            "updated": 0,
            "unchanged": 0,
            "rejected_count": 2,
        }
        assert assets == ["promo_codes/Welcome"]
        [when] = store.execute("select distinct expires_at::text as at, discount from promo.promo_code").fetchall()
        assert when == {"at": "2036-03-31 22:00:00+00", "discount": 15}
        assert load()[0]["unchanged"] == 12000
        warehouse.execute("insert into coupons values (12004, 'WARE-NEW', '2036-01-01', 15, 'welcome')")
        assert (load()[0]["inserted"], load()[0]["inserted"]) == (1, 0)
        with pytest.raises(AirflowFailException, match="the column type is missing"):
            load("select code, valid_until as expiration_date, discount from coupons")
    names = store.execute("select distinct name from promo.code_file").fetchall()
    assert names == [{"name": "select-warehouse"}]


@pytest.mark.parametrize(
    "wrong", [{}, {"sql": "select 1"}, {"files": "a.csv", "sql": "select 1", "conn_id": "x"}], ids=str
)
def test_files_or_a_select_must_be_named(wrong: dict[str, str]) -> None:
    context: Any = {}
    with pytest.raises(ConfigurationError, match="name files, or a SELECT"):
        LoadPromoCodesOperator(task_id="load", **wrong).execute(context)
