"""What comes back of messages: notices of other gateways, the vendor's activities, and clicks to unsubscribe."""

__all__ = ["activity_routes", "models", "notice_routes", "signature", "unsubscribe_routes"]
