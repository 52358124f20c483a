"""A workflow as the pages show it, whether a file of the include folder or a DAG in Python defines it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.run_spec import note_on_transport
from promo_campaigns.preview.workflow_outline import audience_in_words, codes_in_words, list_blocks, schedule_in_words

if TYPE_CHECKING:
    from promo_campaigns.model.errors import DefinitionError
    from promo_campaigns.model.run_spec import CodeRequest
    from promo_campaigns.ui.campaign_files import CampaignFiles, Outline
    from promo_campaigns.ui.python_workflows import PythonWorkflow

YAML, PYTHON = "yaml", "python"
NEEDS_FILE = (
    "this workflow is written in Python: shown is what Airflow knows of its DAG, which is triggered on its own page. "
    "The message, a dry run, a test send and what a trigger would do are shown of workflows in include/workflows"
)
CANNOT_BE_READ = "Airflow cannot read this file, and shows why among its import errors; what is shown is older"
_DESCRIBED = ("description", "channel", "transport", "is_inbox", "schedule", "audience", "codes", "message", "event")


@dataclass(frozen=True)
class Entry:
    """A workflow.

    :ivar written: in which language
    :ivar pool: which codes it gives out; None where only a run can tell
    :ivar described: what it is, by the names of the route; each is None where its file is wrong or it is not known
    :ivar notes: what should be known of it, as the route tells it
    """

    workflow_id: str
    written: str
    described: dict[str, Any]
    pool: CodeRequest | None = None
    faults: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)


def describe_file(outline: Outline) -> Entry:
    """Return a workflow that a file defines."""
    workflow, message = outline.workflow, outline.message
    faults = [tell_fault(outline.fault)] if outline.fault else []
    if workflow is None or message is None:
        described: dict[str, Any] = {"name": outline.workflow_id, **dict.fromkeys(_DESCRIBED), "blocks": []}
        return Entry(outline.workflow_id, YAML, described, faults=faults)
    described = {
        "name": workflow.name or outline.workflow_id,
        "description": workflow.description,
        "channel": message.channel,
        "transport": workflow.transport,
        "is_inbox": bool(note_on_transport(workflow.transport)),
        "schedule": schedule_in_words(workflow),
        "audience": audience_in_words(workflow),
        "codes": codes_in_words(workflow.promo_code),
        "message": message.name,
        "event": workflow.event or None,
        "blocks": [block._asdict() for block in list_blocks(workflow, message, outline.sources)],
    }
    return Entry(outline.workflow_id, YAML, described, workflow.promo_code.request(), faults)


def describe_dag(workflow: PythonWorkflow, files: CampaignFiles, *, broken: bool) -> Entry:
    """Return a workflow that is written in Python.

    :param broken: Airflow cannot read its file at present
    """
    message = files.message(workflow.message) if workflow.message else None
    described = {
        "name": workflow.name,
        "description": workflow.description,
        "channel": message.channel if message else None,
        "transport": workflow.transport,
        "is_inbox": bool(workflow.transport and note_on_transport(workflow.transport)),
        "schedule": f"event: {workflow.event}" if workflow.event else workflow.schedule,
        "audience": f"contacts of the event {workflow.event}" if workflow.event else workflow.audience,
        "codes": codes_in_words(workflow.codes) if workflow.codes else None,
        "message": workflow.message,
        "event": workflow.event,
        "blocks": [block._asdict() for block in workflow.blocks],
    }
    faults = [_told(workflow.file, None, CANNOT_BE_READ)] if broken else []
    notes = [_told(workflow.file, None, NEEDS_FILE)]
    return Entry(workflow.workflow_id, PYTHON, described, workflow.codes, faults, notes)


def tell_fault(error: DefinitionError) -> dict[str, Any]:
    """Return what is wrong with a file, as the route tells it."""
    return _told(error.file, error.line, error.problem + (f". {error.hint}" if error.hint else ""))


def _told(file: str, line: int | None, text: str) -> dict[str, Any]:
    return {"file": file, "line": line, "text": text}
