"""An Airflow on this machine, with its Postgres and the product: folders, passwords, services, processes, REST client.

The demo runs on it, and so do the tests that need a real Airflow.
"""

__all__ = ["airflow_api", "credentials", "layout", "ports", "preloaded", "services", "supervisor"]
