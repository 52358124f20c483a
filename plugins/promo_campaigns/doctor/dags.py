"""The DAGs as Airflow sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.doctor.findings import Finding, Health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.connections.airflow_database import SeenDags

_LOAD = "load_promo_codes"
_MOST = 10


def look_at_dags(seen: SeenDags | str) -> Iterator[Finding]:
    """Look at what Airflow has read of the DAGs.

    :param seen: what it has read, or why that cannot be known here
    """
    if isinstance(seen, str):
        advice = "Run promo doctor with the environment of Airflow's components"
        yield Finding(about="dags", health=Health.NOT_LOOKED_AT, found=seen, advice=advice)
        return
    for file, problem in seen.import_errors[:_MOST]:
        yield Finding(about="dags", health=Health.WRONG, found=f"{file}: {problem}", advice="Correct the file")
    if not seen.paused:
        advice = "Point [core] dags_folder at the folder, and start airflow dag-processor; see also promo init"
        yield Finding(about="dags", health=Health.WRONG, found="Airflow knows no DAG of ours", advice=advice)
        return
    running = sorted(name for name, paused in seen.paused.items() if not paused)
    found = f"{len(seen.paused)} of ours, of which these are on: {', '.join(running) or 'none'}"
    yield Finding(about="dags", health=Health.RIGHT, found=found)
    if seen.paused.get(_LOAD):
        advice = f"Turn {_LOAD} on, so that files in the code inbox are loaded"
        yield Finding(about="dags", health=Health.NOTE, found=f"{_LOAD} is paused", advice=advice)
