"""The assets by which Airflow shows the way of a code: files, pools, runs, profiles.

Airflow draws lineage between assets that are known when a DAG is parsed, so each kind is one asset. Types, workflows
and data sources appear as they are used, so each kind has an alias as well, which stands for the assets
``<kind>/<name>``, such as ``promo_codes/Welcome``. Each has the URI by which OpenLineage knows the same, see
``base/asset_uris.py``. A DAG may be scheduled on any of them by ``named_asset``.
"""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

from promo_campaigns.operators.base.asset_uris import asset_uri, create_asset, dataset_name

CODE_FILES: Asset = create_asset(name="promo_code_files")
"""Code files that arrived in an inbox."""
POOLS: Asset = create_asset(name="promo_codes")
"""All codes, with an event for each file that was loaded."""
RUNS: Asset = create_asset(name="promo_runs")
"""All runs, with an event for each that was closed."""
PROFILES: Asset = create_asset(name="promo_profiles")
"""The profiles that codes are written to, with an event for each run that was closed."""

PROMO_CODES = AssetAlias("promo_codes")
"""``promo_codes/<type>``: a pool, with an event for each file that brought codes of the type."""
PROMO_RUNS = AssetAlias("promo_runs")
"""``promo_runs/<workflow>``: the runs of a workflow, with an event for each that was closed, its report beside it."""
PROMO_PROFILES = AssetAlias("promo_profiles")
"""``promo_profiles/<data source>``: the profiles behind it, with an event for each run that wrote to them."""
PROMO_STOCK = AssetAlias("promo_stock")
"""``promo_stock/<type>/low``: a pool that ran low, with an event each time it reached one of its levels."""


def member(alias: AssetAlias, name: str) -> Asset:
    """Return the asset of this name among those an alias stands for.

    Names of assets are ASCII, so other letters are percent-encoded.
    """
    return named_asset(f"{alias.name}/{dataset_name(name)}")


def named_asset(name: str) -> Asset:
    """Return the asset of a name, to schedule a DAG on: one of ours, such as ``promo_codes/Welcome``, or any other."""
    ours: Asset = create_asset(name=name) if asset_uri(name) else Asset(name)
    return ours
