"""Which contacts of a run may be worked on now: those of its first share, or all."""

__all__ = ["first_share"]
