"""Workflows as DAGs: from YAML files, or from Python."""

from promo_campaigns.workflows.loading import load_workflows
from promo_campaigns.workflows.promo_workflow import PromoWorkflow
from promo_campaigns.workflows.trigger_form import offered_values

__all__ = ["PromoWorkflow", "load_workflows", "loading", "offered_values", "promo_workflow"]
