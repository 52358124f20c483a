"""Workflows as DAGs: from YAML files, or from Python.

Each name is loaded when it is first asked for: every task loads its DAG's file, and each needs some of them only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.workflows.form_by_hand import offered_values
    from promo_campaigns.workflows.loading import load_workflows
    from promo_campaigns.workflows.promo_workflow import PromoWorkflow

__all__ = ["PromoWorkflow", "load_workflows", "loading", "offered_values", "promo_workflow"]

_MODULES = {"PromoWorkflow": "promo_workflow", "load_workflows": "loading", "offered_values": "form_by_hand"}


def __getattr__(name: str) -> object:
    """Load a name where it is defined."""
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
