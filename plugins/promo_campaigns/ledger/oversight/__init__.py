"""What of a run may be worked on yet: its first share before all others."""

__all__ = ["first_share"]
