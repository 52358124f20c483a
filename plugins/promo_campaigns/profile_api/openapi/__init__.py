"""The documentation of the profile API, made of its resources: as OpenAPI, and as a page that needs no other server."""

__all__ = ["document", "page", "routes"]
