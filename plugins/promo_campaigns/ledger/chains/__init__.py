"""Runs that take their codes from a chain of pools: what each pool will give, and what it gave.

A claim itself is in ``ledger/claiming.py``: a statement for each pool of the chain, for those who still wait.
"""

__all__ = ["forecast", "given"]
