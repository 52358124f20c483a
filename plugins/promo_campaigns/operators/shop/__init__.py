"""Blocks that stand between the store and the shop: codes that are made for it, and what it says of codes it took."""

__all__ = ["generate", "redemptions"]
