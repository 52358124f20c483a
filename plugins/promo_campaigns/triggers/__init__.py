"""Waits that run on the triggerer; nothing is sent from here."""

__all__ = ["events", "promo_code_file"]
