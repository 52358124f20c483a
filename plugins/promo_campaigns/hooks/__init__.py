"""Airflow connections turned into adapters."""
