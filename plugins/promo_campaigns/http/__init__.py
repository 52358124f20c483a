"""Calls to one receiver: client, endpoint and its auth, TLS, vetted addresses, time-outs.

It knows neither messages nor data sources; a transport or sender is built on it.
"""

__all__ = [
    "client",
    "download",
    "endpoint",
    "form_fields",
    "no_connection",
    "outcome",
    "probe",
    "rate_limit_port",
    "request_paths",
    "shown_call",
    "target",
    "tls",
]
