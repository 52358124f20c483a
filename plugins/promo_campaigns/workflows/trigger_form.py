"""The form in which Airflow asks for the parameters of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, get_parsing_context

from promo_campaigns.definitions.settings.model import form_fields
from promo_campaigns.definitions.settings.settings_schema import setting_schema
from promo_campaigns.model.run_spec import note_on_transport

if TYPE_CHECKING:
    from promo_campaigns.definitions.settings.model import FormField, Settings
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.definitions.workflow_files import IncludeFolder

MODES = {
    None: "send only to contacts that were not reached, unless the run was set otherwise",
    "missing": "send only to contacts that were not reached",
    "profiles": "only write the profiles again",
    "refuse": "refuse",
}
"""What a run may do whose send is done, and how the form says it."""

_RULES = ("type", "minimum", "maximum", "minLength", "pattern")
_MODE = "Nobody is sent anything twice in any case"
_DRY_RUN = "Write a preview; nothing is sent. Triggering turns the DAG on, and its schedule; the DAG dry_run does not"
_EDITION = "Two runs of one edition are one send"
_REPEAT = "Send again though the same was sent minutes ago"


def trigger_form(workflow: Workflow, files: IncludeFolder) -> dict[str, Param]:
    """Return the parameters of a workflow's runs; where a run sets none, the workflow's own settings hold.

    Messages and audiences are those of the include folder. Types are proposals, since a pool can be loaded at any time:
    they are those that the workflows there take codes from. While a task is run nothing is offered, and nothing read
    for it: the values of a run are checked when it is made. A workflow for events asks nothing: it is not one send.
    """
    if not isinstance(workflow.audience, str):
        return {}
    offered = offers(workflow.message, files) if get_parsing_context().dag_id is None else {}
    asked = {
        name: _param(part, name, field, offered.get(name, {}))
        for part in (workflow.promo_code, workflow)
        for name, field in form_fields(type(part)).items()
    }
    if note := note_on_transport(workflow.transport):
        asked["message"].description = f"{asked['message'].description}. {note}"
    return {
        **asked,
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
        "repeat": Param(default=False, type="boolean", title="Repeat", description=_REPEAT),
    }


def offers(message: str, files: IncludeFolder) -> dict[str, dict[str, Any]]:
    """Return the values that fields offer, where there are any, and how they are shown."""
    lists = {
        "type": {"examples": files.code_types},
        "message": {"enum": files.messages_like(message)},
        "audience": {"enum": files.audiences},
    }
    offered: dict[str, dict[str, Any]] = {name: {**offer} for name, offer in lists.items() if any(offer.values())}
    if files.audience_connections:
        shown = {name: f"{name} (from {conn_id})" for name, conn_id in files.audience_connections.items()}
        offered["audience"]["values_display"] = {name: shown.get(name, name) for name in files.audiences}
    return offered


def _param(part: Settings, name: str, field: FormField, offered: dict[str, Any]) -> Param:
    """Return a field as the model describes the setting; of several forms, the first is asked for."""
    described = setting_schema(type(part), name)
    form = {**described, **described.get("oneOf", [{}])[0]}
    rules: dict[str, Any] = {rule: form[rule] for rule in _RULES if rule in form}
    return Param(getattr(part, name), title=field.title, description=described["description"], **{**rules, **offered})
