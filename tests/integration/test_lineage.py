"""What operators tell OpenLineage: one way from a file or a warehouse's table over pool and run to profiles or a table.

Where its provider is not installed, they tell nothing and import nothing of it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from promo_campaigns import (
    EndOperator,
    ExportRunOperator,
    GeneratePromoCodesOperator,
    LoadContactsOperator,
    LoadPromoCodesOperator,
    LoadRedemptionFileOperator,
    LoadRedemptionsOperator,
    StartOperator,
)
from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.operators.assets import (
    CODE_FILES,
    POOLS,
    PROMO_CODES,
    PROMO_PROFILES,
    PROMO_RUNS,
    PROMO_STOCK,
    member,
    named_asset,
)
from promo_campaigns.operators.base.asset_uris import (
    convert_asset_to_openlineage,
    create_asset,
    dataset_of,
    sanitize_uri,
    store_namespace,
)
from promo_campaigns.operators.events import waiting_events

try:
    from airflow.providers.openlineage.extractors import OperatorLineage
except ImportError:
    OperatorLineage = None

Names = tuple[list[str], list[str]]
STORE = "promo://promo_db"
WAREHOUSE = "warehouse"


def told(block: Any, **known: object) -> Names | None:  # noqa: ANN401  (one of several operators)
    """Return what a block tells that it read and wrote, with what it knows after its work."""
    for name, value in known.items():
        setattr(block, name, value)
    lineage = block.get_openlineage_facets_on_complete(None)
    if lineage is None:
        return None
    return [*map(named, lineage.inputs)], [*map(named, lineage.outputs)]


def named(dataset: Any) -> str:  # noqa: ANN401  (OpenLineage's)
    """Return namespace and name; of the warehouse the table, whatever its server and schema are called."""
    if dataset.namespace.startswith("postgres://"):
        return f"{WAREHOUSE} {dataset.name.rpartition('.')[2]}"
    return f"{dataset.namespace} {dataset.name}"


def test_blocks_tell_the_way_of_codes(monkeypatch: pytest.MonkeyPatch, bare_dsn: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", bare_dsn.replace("postgresql://", "postgres://"))
    select: dict[str, Any] = {"sql": "select code from coupons;", "conn_id": "warehouse"}
    since: dict[str, Any] = {**select, "sql": "select code from orders where paid_at >= :since"}
    pool: dict[str, Any] = {"type": "Spring", "discount": 15}
    start = StartOperator(task_id="start", message="push", days=7, audience="all", workflow="spring", **pool)
    made: dict[str, Any] = {"count": 9, "expires": "2030-01-01", "pattern": "S-????", "file": "s3://key@shop/a/b.csv"}
    asked = ("-- connection: warehouse\nselect id as external_id from buyers", "warehouse")
    ways: list[tuple[Names | None, Names]] = [
        (
            told(LoadPromoCodesOperator(task_id="a", files="file:///inbox/spring.csv"), _types=["Spring"]),
            (["file /inbox/spring.csv"], [f"{STORE} codes/Spring"]),
        ),
        (told(LoadPromoCodesOperator(task_id="b", **select)), ([f"{WAREHOUSE} coupons"], [])),
        (
            told(GeneratePromoCodesOperator(task_id="c", **pool, **made)),
            ([], [f"{STORE} codes/Spring", "s3://shop a/b.csv"]),
        ),
        (told(LoadContactsOperator(task_id="d", **select)), ([f"{WAREHOUSE} coupons"], [f"{STORE} contacts"])),
        (
            told(start, _asked=asked),
            ([f"{STORE} codes/Spring", f"{STORE} contacts", f"{WAREHOUSE} buyers"], [f"{STORE} runs/spring"]),
        ),
        (
            told(EndOperator(task_id="e", run_id=7), _workflow="spring", _recorded=["crm"]),
            ([f"{STORE} runs/spring"], [f"{STORE} profiles/crm"]),
        ),
        (
            told(ExportRunOperator(task_id="f", workflow="spring", conn_id="warehouse", table="spring_codes")),
            ([f"{STORE} runs/spring"], [f"{WAREHOUSE} spring_codes"]),
        ),
        (
            told(ExportRunOperator(task_id="g", run_key="spring/edition/one", path="gs://b/c.parquet")),
            ([f"{STORE} runs/spring"], ["gs://b c.parquet"]),
        ),
        (told(LoadRedemptionsOperator(task_id="h", **since)), ([f"{WAREHOUSE} orders"], [f"{STORE} redemptions"])),
        (
            told(LoadRedemptionFileOperator(task_id="i", file="/inbox/used.csv")),
            (["file /inbox/used.csv"], [f"{STORE} redemptions"]),
        ),
    ]
    assert [said for said, _ in ways] == [meant if OperatorLineage else None for _, meant in ways]


def test_assets_have_uris_by_which_openlineage_names_the_same() -> None:
    assets = {
        CODE_FILES: "code_files",
        POOLS: "codes",
        member(PROMO_CODES, "Welcome"): "codes/Welcome",
        member(PROMO_CODES, "Été 1"): "codes/%C3%89t%C3%A9 1",
        member(PROMO_RUNS, "spring_mail"): "runs/spring_mail",
        member(PROMO_PROFILES, "crm"): "profiles/crm",
        member(PROMO_STOCK, "Welcome/low"): "stock/Welcome/low",
        waiting_events("order", workflow="winback"): "events/winback",
    }
    for asset, name in assets.items():
        assert asset.uri == asset.normalized_uri == f"{STORE}/{name.replace(' ', '%20')}"
        assert named_asset(asset.name).uri == asset.uri
        assert dataset_of(asset.uri) == (STORE, name)
        if OperatorLineage is not None:
            assert named(convert_asset_to_openlineage(asset, None)) == f"{STORE} {name}"
    assert named_asset("theirs").uri == "theirs"
    assert store_namespace(PromoStoreHook.default_conn_name) == STORE
    for wrong in ("promo:///codes", "promo://promo_db/coupons", "promo://promo_db"):
        with pytest.raises(ValueError, match="promo://promo_db/codes"):
            sanitize_uri(urlsplit(wrong))
    with pytest.raises(ValueError, match="no asset of promo codes"):
        create_asset(name="theirs")
