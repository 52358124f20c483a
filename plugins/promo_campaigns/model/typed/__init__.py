"""Stored text as values of a type: a number is a number, a day is a day in a language and time zone; strict JSON."""

__all__ = ["field_values", "languages", "moment", "strict_json"]
