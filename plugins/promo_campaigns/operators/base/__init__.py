"""What blocks are built on: the store's operator, retries and waits, task slots, checks, assets."""

__all__ = ["occurrence"]
