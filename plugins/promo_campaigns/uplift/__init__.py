"""What a campaign was worth: those who got a code against those who were held out."""

__all__ = ["measure"]
