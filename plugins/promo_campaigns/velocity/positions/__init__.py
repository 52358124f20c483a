"""How a printed value is written, by where it stands: JSON, HTML, XML, URL or plain text."""

__all__ = ["url_text"]
