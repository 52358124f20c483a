"""Starting a workflow by hand, and a test send: what each would do, and doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, NamedTuple

import anyio
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.definitions.definitions import require_carried
from promo_campaigns.definitions.sample_answers import read_sample_answers
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.receivers import Receivers
from promo_campaigns.model.run_spec import RunSpec
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.connection import Connection, connect
from promo_campaigns.preview.shown_message import list_hidden_values, without
from promo_campaigns.preview.test_message import (
    MOST,
    RenderedMessages,
    SendTestResult,
    new_run_key,
    render_test_messages,
    require_sending,
    send_test_messages,
)
from promo_campaigns.ui.airflow_dags import dag_states, trigger_form, turn_on
from promo_campaigns.ui.campaign_files import CampaignFiles, campaign_files
from promo_campaigns.ui.dag_runs import require_dag, trigger
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import Caller, CallerDep
from promo_campaigns.ui.start_effect import Occasion, start_effect

router = APIRouter()
_DEFINING = {"audience", "message", "type", "discount", "days"}


class Form(BaseModel):
    """What the trigger form says; whatever is left out is as the workflow is written."""

    audience: str | None = None
    message: str | None = None
    type: str | None = None
    discount: int | None = None
    days: int | None = None
    edition: str = ""
    mode: str = ""
    repeat: bool = False


class TestSend(BaseModel):
    """Whom a message is shown for, or really sent to.

    :ivar send: really send it
    """

    contact_ids: list[int] = Field(min_length=1, max_length=MOST)
    send: bool = False


class Trigger(BaseModel):
    """A run by hand.

    :ivar conf: what the trigger form asks for, by name
    :ivar unpause: turn the DAG on if it is paused, and with it its schedule
    """

    conf: dict[str, Any] = Field(default_factory=dict)
    unpause: bool = False


class _Prepared(NamedTuple):
    """A test send that is rendered and not sent yet."""

    spec: RunSpec
    receivers: Receivers
    rendered: RenderedMessages
    shown: dict[str, Any]


@router.post("/workflows/{dag_id}/test-send")
async def send_test(dag_id: str, wanted: TestSend, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Show the message for test contacts, with a code that nobody holds; send it if that is asked for."""
    files = await anyio.to_thread.run_sync(_files_for, caller, dag_id)

    def read(connection: Connection) -> _Prepared:
        spec = files.spec(dag_id, contact_ids=wanted.contact_ids)
        receivers = Receivers(store.address(), airflow_connection)
        require_carried(files.folder.path, spec.message, receivers.transport(spec))
        answers = read_sample_answers(files.folder.path, spec)
        key, compiled = new_run_key(dag_id), CompiledCampaign(spec)
        rendered = render_test_messages(connection, compiled, wanted.contact_ids, key=key, answers=answers)
        return _Prepared(spec, receivers, rendered, _shown(connection, rendered))

    ready = await store.read(read)
    if not wanted.send:
        return {**ready.shown, "outcomes": None}
    outcomes = await anyio.to_thread.run_sync(_send, ready, store.address, caller.name)
    return {**ready.shown, "outcomes": [asdict(one) for one in outcomes]}


@router.get("/workflows/{dag_id}/trigger/effect")
async def trigger_effect(
    dag_id: str, *, caller: CallerDep, store: StoreDep, form: Annotated[Form, Query()]
) -> dict[str, Any]:
    """Say what a run by hand would do, by counts: for whom it is, whether there are codes, and what is in its way."""
    files = await anyio.to_thread.run_sync(_files_for, caller, dag_id)

    def read(connection: Connection) -> dict[str, Any]:
        state = dag_states([dag_id]).get(dag_id)
        paused = bool(state and state.paused)
        workflow = files.outline(dag_id).workflow
        if workflow is not None and workflow.event:
            sentence = f"It answers the events of type {workflow.event} that wait now."
            return {"sentence": sentence, "numbers": {"paused": paused}, "refusals": []}
        spec = files.spec(dag_id, **form.model_dump(include=_DEFINING))
        occasion = Occasion(edition=form.edition, mode=form.mode, repeat=form.repeat)
        return start_effect(connection, files, spec, occasion, paused=paused)

    return await store.read(read)


@router.post("/workflows/{dag_id}/trigger")
async def start(dag_id: str, wanted: Trigger, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Trigger the DAG of a workflow as the user who asks, and return the id of Airflow's run."""

    def act(connection: Connection) -> dict[str, Any]:
        caller.require_view_of(dag_id, f"workflow {dag_id}")
        caller.require_act_on(dag_id)
        if wanted.unpause and not caller.may_turn_on(dag_id):
            raise PageError(403, f"this needs the right to edit the DAG {dag_id}, since turning it on changes it")
        _require_asked(dag_id, wanted.conf)
        reason = str(wanted.conf.get("edition") or "")
        with audited(connection, "trigger", f"workflow {dag_id}", actor=caller.name, reason=reason) as entry:
            run_id = trigger(dag_id, wanted.conf, by=caller.name)
            if wanted.unpause:
                turn_on(dag_id)
            entry.rows = 1
        return {"run_id": run_id, "dag_run_id": run_id}

    return await store.act(act)


def _require_asked(dag_id: str, conf: dict[str, Any]) -> None:
    """Refuse a name that the workflow does not ask for: its run would refuse it as well, once it is under way.

    :raises PageError: there is one, or Airflow has no such DAG
    """
    require_dag(dag_id)
    asked = [field.name for field in trigger_form(dag_id)]
    if strange := [name for name in conf if name not in asked]:
        raise PageError(400, f"{dag_id} asks for no {strange[0]}: it takes {', '.join(asked) or 'nothing'}")


def _send(ready: _Prepared, find_dsn: Callable[[], str], by: str) -> list[SendTestResult]:
    """Send, over a connection of its own for the audit: a slow receiver must not hold those of the pages."""
    with connect(find_dsn()) as connection:
        require_sending(connection)
        with audited(connection, "test send", f"workflow {ready.spec.workflow}", actor=by) as entry:
            entry.rows = len(ready.rendered.ready)
            return asyncio.run(_sent(ready.rendered, ready.spec, ready.receivers))


def _files_for(caller: Caller, dag_id: str) -> CampaignFiles:
    caller.require_view_of(dag_id, f"workflow {dag_id}")
    caller.require_act_on(dag_id)
    return campaign_files()


def _shown(connection: Connection, rendered: RenderedMessages) -> dict[str, Any]:
    """Return the messages without the addresses that they go to."""
    masks = list_hidden_values(connection, [one.contact_id for one in rendered.ready])
    messages = []
    for one in rendered.ready:
        hide = without(masks.get(one.contact_id, {}))
        texts = {name: hide(getattr(one, name)) for name in ("title", "body", "html")}
        messages.append({"contact_id": one.contact_id, "channel": one.channel, **texts})
    left_out = [{"contact_id": who, "reason": why} for who, why in sorted(rendered.left_out.items())]
    return {"messages": messages, "left_out": left_out}


async def _sent(rendered: RenderedMessages, spec: RunSpec, receivers: Receivers) -> list[SendTestResult]:
    async with receivers.open_transport(spec) as transport:
        return await send_test_messages(rendered, transport)
