"""Builds one Airflow DAG from each file of include/workflows.

Airflow reads a file only if both of its words, airflow and dag, stand in it.
"""

from promo_campaigns.workflows import load_workflows

WORKFLOWS = load_workflows()
