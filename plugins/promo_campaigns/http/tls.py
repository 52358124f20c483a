"""How certificates are verified."""

from __future__ import annotations

import ssl

from promo_campaigns.model.errors import ConfigurationError


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Return the rules of a TLS connection: certificate and host name are verified, version 1.2 at least.

    :param ca_file: certificates of a private authority, trusted in place of the system's
    :raises ConfigurationError: the file is missing or holds no certificate
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        msg = f"the ca_file {ca_file!r} cannot be read as certificates in PEM form ({type(error).__name__})"
        raise ConfigurationError(msg) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
