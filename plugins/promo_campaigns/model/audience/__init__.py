"""Who a run is for: contacts that are listed one by one, and what a SELECT says of each beside its id."""

__all__ = ["columns", "lists"]
