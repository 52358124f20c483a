"""The fields of a ``promo_http`` connection in Airflow's form, one for each extra."""

from __future__ import annotations

from typing import Any


def _field(label: str, description: str, kind: str = "string", **more: object) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **more}}


HTTP_FIELDS: dict[str, Any] = {
    "auth": _field(
        "Auth",
        "How requests are signed; the secret is the password. Empty: basic where there is a login.",
        enum=["none", "basic", "bearer", "header", "query"],
    ),
    "key_name": _field(
        "Name of the key", "For the auth header or query: which header or query parameter carries the key."
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
