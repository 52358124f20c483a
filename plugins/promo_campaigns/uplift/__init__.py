"""What a campaign was worth: contacts that were given a code, compared with those held out."""

__all__ = ["intervals", "measure", "report"]
