"""Commands on the store as a whole."""

__all__ = ["retention"]
