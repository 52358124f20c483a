"""Commands of ``promo db`` for a store that was brought back from a backup; ``commands.db`` gives them their names."""

__all__ = ["restores"]
