"""Waits that run on the triggerer; nothing is sent from here."""
