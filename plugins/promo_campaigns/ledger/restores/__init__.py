"""A store that was brought back from a backup: what it has forgotten waits until receivers or a person tell of it."""

__all__ = ["deciding", "restoring", "told_file", "told_sends"]
