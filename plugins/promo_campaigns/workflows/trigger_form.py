"""The form in which Airflow asks for the parameters of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, get_parsing_context

if TYPE_CHECKING:
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.definitions.workflow_files import IncludeFolder

MODES = {
    None: "send to whoever is missing, unless the run was set otherwise",
    "missing": "send to whoever is missing",
    "profiles": "only write the profiles again",
    "refuse": "refuse",
}
"""What a run may do whose send is done, and how the form says it."""


def trigger_form(workflow: Workflow, files: IncludeFolder) -> dict[str, Param]:
    """Return the parameters of a workflow's runs; a run that says nothing is the workflow as it is written.

    Messages and audiences are those of the include folder. Types are proposals, since a pool can be loaded at any time:
    they are those that the workflows there take codes from. While a task is run nothing is offered, and nothing read
    for it: the values of a run are checked when it is made. A workflow for events asks nothing: it is not one send.
    """
    if not isinstance(workflow.audience, str):
        return {}
    asked = get_parsing_context().dag_id is None
    code = workflow.promo_code
    return {
        "type": _text(code["type"], "Type", _TYPE, examples=files.code_types if asked else []),
        "discount": Param(
            code["discount"], type="integer", minimum=0, maximum=99, title="Discount", description=_EXACT
        ),
        "days": Param(code["days"], type="integer", minimum=0, title="Days", description=_DAYS),
        "message": _text(
            workflow.message, "Message", _MESSAGE, enum=files.messages_like(workflow.message) if asked else []
        ),
        "audience": _text(workflow.audience, "Audience", _AUDIENCE, enum=files.audiences if asked else []),
        "mode": Param(
            None,
            type=["null", "string"],
            enum=list(MODES),
            values_display={str(mode): shown for mode, shown in MODES.items()},
            title="If the send is done already",
            description=_MODE,
        ),
        "dry_run": Param(default=False, type="boolean", title="Dry run", description=_DRY_RUN),
        "edition": Param(None, type=["null", "string"], title="Edition", description=_EDITION),
    }


_TYPE = "The pool to take codes from"
_EXACT = "In percent, exact"
_DAYS = "How long a code must stay valid"
_MESSAGE = "A file of include/messages; those are offered that bind the same data sources"
_AUDIENCE = "A file of include/audiences"
_MODE = "Nobody is sent anything twice in any case"
_DRY_RUN = "Write a preview; nothing is sent, no code is taken"
_EDITION = "Two runs of one edition are one send"


def _text(value: str, title: str, description: str, **offered: list[str]) -> Param:
    """Return a parameter that is text, with a list of values where there are any to offer."""
    lists: dict[str, Any] = {name: values for name, values in offered.items() if values}
    return Param(value, type="string", minLength=1, title=title, description=description, **lists)
