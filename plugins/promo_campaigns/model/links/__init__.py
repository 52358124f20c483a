"""Links that are signed with the key of the store, so that nobody makes or changes one."""

__all__ = ["signing", "unsubscribing"]
