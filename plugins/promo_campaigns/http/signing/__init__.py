"""What signs requests, as a connection says it."""

__all__ = ["credentials", "headers"]
