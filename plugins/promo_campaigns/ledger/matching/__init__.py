"""Runs whose codes must match their contacts by attributes: what each contact has, which codes it may be given.

What a run's contacts have is frozen with its audience, so that whatever is tried again matches the same.
"""

__all__ = ["claims", "contacts"]
