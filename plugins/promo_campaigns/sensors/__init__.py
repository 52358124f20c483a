"""Sensors: tasks that wait for something outside Airflow."""

__all__ = ["promo_code_file"]
