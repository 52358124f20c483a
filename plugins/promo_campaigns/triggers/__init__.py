"""Triggers: waits that run on the triggerer. Nothing is sent from here."""

__all__ = ["events", "promo_code_file"]
