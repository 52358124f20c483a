"""Stored text as values of a type: a number is a number, a day is a day in somebody's language and time zone."""

__all__ = ["field_values", "languages", "moment"]
