"""What persons look up in the ledger, page by page: who got which code, how far a run is, what is unknown."""

__all__ = ["chosen_runs", "export", "people", "pictures", "pools", "progress", "senders", "unknown_pages"]
