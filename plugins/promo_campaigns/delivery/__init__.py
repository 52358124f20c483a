"""Sending: claim, ask, send, record, close; what a block calls is in ``service``.

How one kind of receiver is called is in ``transports``, how fast in ``throttle``, how a run begins in ``opening``, and
what comes back as mails in ``bounces``.
"""

__all__ = [
    "batch_payload",
    "batches",
    "bulk",
    "bulk_sender",
    "compiled_campaign",
    "event_stream",
    "http_sender",
    "pictures",
    "ports",
    "receivers",
    "rendering",
    "retry_loop",
    "service",
    "success_rule",
    "templates",
    "unsubscribing",
]
