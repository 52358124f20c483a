"""The message of a workflow for one contact, as a phone or a mail program gets it, and the calls that would be made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import anyio
from fastapi import APIRouter
from pydantic import BaseModel, Field

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.definitions.sample_answers import notes_on_answers, read_sample_answers
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.receivers import Receivers
from promo_campaigns.model.errors import ConfigurationError, FileError
from promo_campaigns.model.run_spec import RunSpec
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.preview.shown_message import ShownMessage, hidden_values, show_message, without
from promo_campaigns.preview.text_segments import count_segments
from promo_campaigns.ui.campaign_files import CampaignFiles, campaign_files
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import Caller, CallerDep

router = APIRouter()
_TEXTED = "sms"


class Asked(BaseModel):
    """Whose message is wanted.

    :ivar contact_id: None for one of the audience
    :ivar language: as if the contact's own were this one
    """

    contact_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    language: str | None = Field(default=None, max_length=35)


@router.post("/workflows/{dag_id}/message")
async def show(dag_id: str, asked: Asked, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Return the message as the contact would get it. Nothing is given out or sent; addresses and codes are masked."""
    files = await anyio.to_thread.run_sync(_files_for, caller, dag_id)

    def read(connection: Connection) -> dict[str, Any]:
        spec = _spec(files, dag_id, asked)
        answers = read_sample_answers(files.folder.path, spec)
        receivers = Receivers("", airflow_connection)  # nothing is reached
        try:
            shown = show_message(
                connection,
                CompiledCampaign(spec),
                receivers,
                contact_id=asked.contact_id,
                language=asked.language,
                answers=answers,
            )
        except FileError:
            raise
        except ConfigurationError as error:
            raise PageError(404, str(error)) from None
        shown = shown.changed(without(hidden_values(connection, shown.contact_id)))
        return _answer(shown, notes_on_answers(spec, answers))

    return await store.read(read)


def _files_for(caller: Caller, dag_id: str) -> CampaignFiles:
    caller.require_view_of(dag_id, f"workflow {dag_id}")
    return campaign_files()


def _spec(files: CampaignFiles, dag_id: str, asked: Asked) -> RunSpec:
    workflow = files.outline(dag_id).workflow
    if workflow is not None and workflow.event and asked.contact_id is None:
        raise PageError(400, f"{dag_id} answers events, so it has no audience to choose somebody of: name a contact")
    return files.spec(dag_id, contact_ids=[asked.contact_id] if asked.contact_id else ())


def _answer(shown: ShownMessage, notes: list[str]) -> dict[str, Any]:
    calls = [{"name": one.name, "purpose": one.purpose, **asdict(one.call)} for one in shown.calls]
    return {
        "contact_id": shown.contact_id,
        "channel": shown.channel,
        "locator": shown.locator,
        "code": shown.code,
        "expires_at": shown.expires_at,
        "title": shown.title,
        "body": shown.body,
        "html": shown.html,
        "options": shown.options,
        "image": shown.options.get("image") or None,
        "segments": asdict(count_segments(shown.body)) if shown.channel == _TEXTED else None,
        "request": next((one for one in calls if one["purpose"] == "message"), None),
        "requests": calls,
        "variants": [version._asdict() for version in shown.versions],
        "warnings": [*shown.warnings, *notes],
        "would_be": {"state": shown.state, "reason": shown.reason},
    }
