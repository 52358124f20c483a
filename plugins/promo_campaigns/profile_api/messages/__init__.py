"""The resources that send messages: into the inbox, where ``promo inbox`` and the pages show them."""

__all__ = ["message_routes"]
