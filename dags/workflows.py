"""Builds one DAG from each file of include/workflows."""

from promo_campaigns.workflows import load_workflows

WORKFLOWS = load_workflows()
