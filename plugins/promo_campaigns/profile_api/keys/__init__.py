"""Who calls the profile API: clients, their keys, what they may do and how often."""

__all__ = ["ring", "scopes", "store"]
