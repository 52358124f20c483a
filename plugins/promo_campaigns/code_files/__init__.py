"""Promo codes from file to stock: row rules, loading, withdrawal, stock levels.

``tables`` reads the files.
"""

__all__ = ["load", "stock", "stock_levels"]
