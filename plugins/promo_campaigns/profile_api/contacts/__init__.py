"""The resources of contacts: one by one, in bulk, by search, and in groups."""

__all__ = ["bulk_routes", "contact_routes", "list_routes"]
