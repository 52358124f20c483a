"""Tasks that wait."""

__all__ = ["promo_code_file"]
