"""What becomes of rows that are older than they are kept: files of them, read back before anything is dropped.

``ledger/retention.py`` goes through all kinds; each module here knows one.
"""

__all__ = ["keep", "shelf"]
