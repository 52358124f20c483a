"""The resources of orders, as shops send them."""

__all__ = ["order_routes"]
