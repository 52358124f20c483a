"""Files of contacts that a client names by a link: fetched, read, and queued like bulk requests."""

__all__ = ["columns", "upload_routes"]
