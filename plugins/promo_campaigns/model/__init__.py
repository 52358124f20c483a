"""Values and rules that every other room speaks of: contacts, runs, outcomes, limits, errors.

It knows the standard library only: no driver, no Airflow, no other room.
"""

__all__ = [
    "approval",
    "assignment_state",
    "attributes",
    "audience",
    "contact_rules",
    "contacts",
    "errors",
    "events",
    "forecast",
    "limits",
    "links",
    "load_report",
    "masking",
    "outcome",
    "parameters",
    "picture_link",
    "redaction",
    "reuse",
    "run",
    "run_key",
    "run_report",
    "run_spec",
    "template_context",
    "typed",
]
