"""What carries a message. ``base`` is what an author of one subclasses; ``registry`` finds those that are installed."""

__all__ = ["base", "http_transport", "inbox", "registry"]
