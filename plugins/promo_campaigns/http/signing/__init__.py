"""What signs requests: fixed credentials, access tokens of OAuth 2, an HMAC over each request.

``credentials`` reads them from a connection; ``oauth2`` and ``access_tokens`` are for
code that asks a token server and has no HTTP requests to sign.
"""

__all__ = ["access_tokens", "credentials", "headers", "oauth2"]
