"""Looks at a campaign before it is sent: dry run, test send, one message, comparison of messages, approval form.

No code is given out, and nothing is written to the ledger.
"""

__all__ = [
    "approval_form",
    "dry_run",
    "message_diff",
    "rows",
    "start",
    "test_message",
    "test_request",
    "workflow_check",
    "workflow_outline",
]
