"""What becomes of a row of a code file, and of the stock it enters: rules, load, withdrawal, levels.

How the file is read is in ``tables``.
"""

__all__ = ["load", "stock", "stock_levels"]
