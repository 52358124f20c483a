"""The profile API: contacts and events over HTTP, compatible with the vendor's.

It runs without Airflow.
"""

__all__ = ["limits", "server"]
