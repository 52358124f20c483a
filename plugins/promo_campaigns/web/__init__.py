"""The profile API and the pages inside Airflow."""
