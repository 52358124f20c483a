"""Workflows as DAGs: from YAML files, or from Python."""

from promo_campaigns.workflows.loading import load_workflows
from promo_campaigns.workflows.promo_workflow import PromoWorkflow

__all__ = ["PromoWorkflow", "load_workflows", "loading", "promo_workflow"]
