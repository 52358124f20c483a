"""One DAG for each file of include/workflows: Airflow looks here, campaign authors look there."""

from promo_campaigns.workflows import load_workflows

WORKFLOWS = load_workflows()
