"""URIs of the assets, as OpenLineage names what lies in the store: ``promo://<connection>/codes/Welcome``.

Airflow is told of the scheme by ``provider_info.py``, and calls what stands here for each such URI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEME = "promo"
STORE = "promo_db"
"""The connection in the URI of every asset: the name of an asset has one URI, whichever store a task is given."""
_KINDS = {
    "promo_code_files": "code_files",
    "promo_codes": "codes",
    "promo_runs": "runs",
    "promo_profiles": "profiles",
    "promo_stock": "stock",
    "promo_events": "events",
}
"""What the assets of a kind are in the store, by the beginning of their names."""


def store_namespace(conn_id: str) -> str:
    """Return how OpenLineage names the store of a connection."""
    return f"{SCHEME}://{conn_id}"


def dataset_name(name: str) -> str:
    """Return how OpenLineage names something in the store, such as ``codes/Welcome``: in ASCII."""
    return quote(name, safe=" /")


def asset_uri(name: str) -> str:
    """Return the URI of an asset of this name; an empty text for one that is none of ours."""
    kind, _, member = name.partition("/")
    if kind not in _KINDS:
        return ""
    path = "/".join(filter(None, [_KINDS[kind], member]))
    return f"{store_namespace(STORE)}/{quote(path, safe='/%')}"


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return a URI of the scheme in its one form.

    :raises ValueError: it names no connection, or nothing that lies in a store
    """
    kind = uri.path.strip("/").partition("/")[0]
    if not uri.netloc or kind not in {*_KINDS.values(), "contacts", "redemptions"}:
        msg = f"a URI of {SCHEME}:// names a connection and what lies in its store, such as {asset_uri('promo_codes')}"
        raise ValueError(msg)
    return uri._replace(path=f"/{uri.path.strip('/')}", query="")


def create_asset(*, name: str, **kwargs: Any) -> Any:
    """Return one of our assets by its name, such as ``promo_codes/Welcome``.

    :raises ValueError: none of ours is called so
    """
    from airflow.sdk import Asset

    if not (uri := asset_uri(name)):
        msg = f"no asset of promo codes is called {name!r}: names begin with {', '.join(_KINDS)}"
        raise ValueError(msg)
    return Asset(name, uri=uri, **kwargs)


def convert_asset_to_openlineage(asset: Any, lineage_context: object) -> Any:  # noqa: ARG001  (Airflow's)
    """Return the dataset that an asset is for OpenLineage: the same that operators tell of."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    namespace, name = dataset_of(asset.uri)
    return Dataset(namespace=namespace, name=name)


def dataset_of(uri: str) -> tuple[str, str]:
    """Return namespace and name of what a URI names, as OpenLineage has them."""
    parts = urlsplit(uri)
    return store_namespace(parts.netloc), parts.path.lstrip("/").replace("%20", " ")
