"""Airflow's Connections, read once for operators, the command and the pages.

``parsing`` reads a Connection object, a URI or JSON into the plain values of ``settings``; ``lookup`` finds one by its
id, through Airflow (imported when it is asked) or from the environment; ``airflow_database`` asks the Airflow of this
machine on behalf of a command, and ``airflow_dag_runs`` for the DAG runs behind runs; ``store_dsn`` makes the store's
address of one, and ``store_tokens`` its login where that is a token.
"""

__all__ = ["airflow_dag_runs", "airflow_database", "lookup", "parsing", "settings", "store_dsn", "store_tokens"]
