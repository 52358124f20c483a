"""Writes ``provider.yaml``, by which registries of providers know this one: what Airflow is told, in their form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from promo_campaigns.provider_info import get_provider_info

ROOT = Path(__file__).parents[1]
_HEAD = "# For registries of Airflow providers: what provider_info.py says. tests/provider_page.py writes it.\n"


def registry_file() -> dict[str, Any]:
    """Return the content of the file."""
    return {**get_provider_info(), "state": "ready", "lifecycle": "incubation", "source-date-epoch": 0}


if __name__ == "__main__":
    text = yaml.safe_dump(registry_file(), sort_keys=False, allow_unicode=True, width=120)
    (ROOT / "provider.yaml").write_text(_HEAD + text, encoding="utf-8")
