"""How both sides of a TLS connection prove who they are."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from promo_campaigns.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRules:
    """What is asked of the other side's certificate, and which one of ours is shown to it.

    :ivar ca_file: certificates of a private authority, trusted in place of the system's; a file, or a folder of hashes
    :ivar verify: whether certificate and host name are verified
    :ivar cert_file: our certificate in PEM form, with its chain; empty for none
    :ivar key_file: its private key; empty where the certificate's file holds it
    :ivar key_password: of the private key
    """

    ca_file: str = ""
    verify: bool = True
    cert_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)


def tls_context(rules: TlsRules) -> ssl.SSLContext:
    """Return the rules of a TLS connection for Python; version 1.2 is spoken at least.

    :raises ConfigurationError: a file is missing or does not hold what it should
    """
    context = _trusting(rules.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not rules.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if rules.cert_file:
        _show(context, rules)
    return context


def _trusting(ca_file: str) -> ssl.SSLContext:
    is_folder = bool(ca_file) and Path(ca_file).is_dir()
    try:
        return ssl.create_default_context(
            cafile=None if is_folder else ca_file or None, capath=ca_file if is_folder else None
        )
    except OSError as error:  # ssl.SSLError is one
        msg = f"the ca_file {ca_file!r} cannot be read as certificates in PEM form ({type(error).__name__})"
        raise ConfigurationError(msg) from None


def _show(context: ssl.SSLContext, rules: TlsRules) -> None:
    try:
        # A function, since a locked key without a password would be asked for at the terminal.
        context.load_cert_chain(rules.cert_file, rules.key_file or None, password=lambda: rules.key_password)
    except (OSError, ValueError) as error:
        where = f"{rules.cert_file!r}" + (f" with the key_file {rules.key_file!r}" if rules.key_file else "")
        msg = (
            f"the cert_file {where} cannot be used: it must be a certificate in PEM form and its private key, and "
            f"key_password must be the key's, if it has one ({type(error).__name__})"
        )
        raise ConfigurationError(msg) from None
