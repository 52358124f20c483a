"""Promo codes from file to stock: row rules, loading, withdrawal, stock levels; and codes that are drawn.

``tables`` reads the files.
"""

__all__ = ["code_terms", "expiration_date", "generate", "load", "shop_file", "starts", "stock", "stock_levels"]
