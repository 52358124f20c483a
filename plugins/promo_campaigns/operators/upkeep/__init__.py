"""Blocks of DAGs of their own, not of a campaign: unknown sends, stock levels, open runs, uplift, old data."""

__all__ = ["reconcile", "retention", "stock_levels", "uplift", "watch"]
