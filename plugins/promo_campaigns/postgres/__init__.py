"""The store's server: connections, retries, named SQL, audit, migrations, and the embedded server.

It knows no contact, code or run; the rooms above it bring the statements, which lie beside their modules.
"""

__all__ = [
    "arrays",
    "audit",
    "background_jobs",
    "connection",
    "grants",
    "pool",
    "pooler",
    "reconnecting",
    "retry",
    "snapshot",
    "sql",
    "store_errors",
    "watermarks",
]
