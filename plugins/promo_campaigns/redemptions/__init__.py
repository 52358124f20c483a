"""Codes that were used in a shop: they come back by file, event or SELECT, and are counted by run, pool and arm.

``rules`` says what one is, ``file`` and ``query`` read them, ``store`` keeps them, ``report`` counts them.
"""

__all__ = ["file", "query", "report", "rules", "store"]
