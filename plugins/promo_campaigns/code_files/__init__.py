"""Promo codes from file to stock: row rules, loading, withdrawal, stock levels; and codes that are drawn.

``tables`` reads the files.
"""

__all__ = ["expiration_date", "generate", "load", "shop_file", "stock", "stock_levels"]
