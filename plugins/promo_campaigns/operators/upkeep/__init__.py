"""Blocks of DAGs of their own, not of a campaign: unknown sends, stock levels, open runs, exports, uplift, old data."""

__all__ = ["export", "reconcile", "retention", "stock_levels", "uplift", "watch"]
