"""Tests on one Airflow that they share: to start another takes longer than to empty this one."""
