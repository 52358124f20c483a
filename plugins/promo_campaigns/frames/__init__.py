"""The store as pandas DataFrames, for notebooks and for code of one's own.

What others use is ``PromoStore``; pandas is loaded with this room and by nothing else of the package.
"""

__all__ = ["promo_store"]
