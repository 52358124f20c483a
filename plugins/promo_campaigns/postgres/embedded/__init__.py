"""The Postgres server that the product runs by itself on a newcomer's machine."""

__all__ = ["processes", "server"]
