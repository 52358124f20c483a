"""The fields of a ``promo_http`` connection in Airflow's form, one for each extra."""

from __future__ import annotations

from typing import Any


def _field(label: str, description: str, kind: str = "string", **more: object) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **more}}


HTTP_FIELDS: dict[str, Any] = {
    "auth": _field(
        "Auth",
        "How requests are signed; the secret is the password. Empty: basic where there is a login.",
        enum=["none", "basic", "bearer", "header", "query", "oauth2", "hmac"],
    ),
    "key_name": _field(
        "Name of the key",
        "For the auth header or query: which header or parameter carries the key; for hmac: which header the login.",
    ),
    "token_url": _field(
        "Token URL", "For oauth2, where tokens are given; login and password are client id and secret."
    ),
    "scope": _field("Scope", "For oauth2: what the token is to be for."),
    "audience": _field("Audience", "For oauth2, where the token server wants one."),
    "client_auth": _field(
        "Client authentication",
        "For oauth2, how client id and secret are sent: as Basic (unless given), in the body, or not at all with tls.",
        enum=["basic", "body", "tls"],
    ),
    "hmac_header": _field("Signature header", "For hmac: X-Signature unless given; the key is the password."),
    "hmac_algorithm": _field(
        "Algorithm", "For hmac: sha256 unless given.", enum=["sha256", "sha384", "sha512", "sha1"]
    ),
    "hmac_signs": _field(
        "What is signed",
        "For hmac: {timestamp}.{body} unless given; also {method}, {path}, {query}, {target}, {url}, {body_sha256}.",
    ),
    "hmac_value": _field(
        "Form of the signature", "For hmac: {signature} unless given, such as t={timestamp},v1={signature}."
    ),
    "hmac_encoding": _field("Encoding", "For hmac: hex unless given.", enum=["hex", "base64"]),
    "hmac_timestamp": _field("Form of the timestamp", "For hmac: s unless given.", enum=["s", "ms", "iso"]),
    "hmac_timestamp_header": _field(
        "Timestamp header", "For hmac: X-Timestamp where the timestamp is signed and the signature does not say it."
    ),
    "headers": _field("Headers", 'Sent with every request that has none of its own, as JSON: {"X-Client": "promo"}.'),
    "timeout_s": _field("Time-out", "Seconds for one request, 30 unless given.", "number", minimum=0.1, maximum=55),
    "concurrency": _field(
        "Concurrency",
        "Requests under way at a time in all tasks together; empty: 32 in each task.",
        "integer",
        minimum=1,
        maximum=1000,
    ),
    "requests_per_s": _field(
        "Requests per second", "Of all tasks together; empty for no limit.", "number", minimum=0.1, maximum=10000
    ),
    "messages_per_s": _field(
        "Messages per second",
        "For transports, in place of requests per second: of all tasks together.",
        "number",
        minimum=0.1,
        maximum=10000,
    ),
    "ca_file": _field("CA file", "Certificates of a private authority in PEM form, trusted in place of the system's."),
    "cert_file": _field("Certificate file", "Our own certificate in PEM form, where the receiver wants a client's."),
    "key_file": _field("Key file", "Its private key, where the certificate's file does not hold it."),
    "key_password": _field("Password of the key", "Where the private key is locked.", format="password"),
    "proxy": _field(
        "Proxy", "http://proxy.example:3128, with user:password@ if it wants a login; https goes through it too."
    ),
    "trust_env": _field(
        "Trust the environment", "Take the proxy from HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the worker.", "boolean"
    ),
    "allow_private": _field("Allow private addresses", "Whether the host may lead into a private network.", "boolean"),
    "allow_insecure": _field("Allow plain http", "For tests only: anyone on the way can read the requests.", "boolean"),
    "verify": _field(
        "Verify certificates", "Empty for yes; no needs Allow plain http as well, and is for tests only.", "boolean"
    ),
}
