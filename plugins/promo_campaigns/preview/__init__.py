"""Looks at a campaign before it is sent: dry run, test send, one message, comparison of messages, approval form.

No code is given out, and nothing is written to the ledger.
"""

__all__ = [
    "approval_form",
    "dry_run",
    "kept_dry_run",
    "message_diff",
    "rows",
    "shown_message",
    "start",
    "test_message",
    "test_request",
    "text_segments",
    "workflow_check",
    "workflow_outline",
]
