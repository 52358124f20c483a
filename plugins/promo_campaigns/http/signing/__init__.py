"""What signs requests: fixed credentials, access tokens of OAuth 2, an HMAC over each request.

``credentials`` reads them from a connection; ``access_tokens`` are for whoever asks a token server.
"""

__all__ = ["access_tokens", "credentials", "headers"]
