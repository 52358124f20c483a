"""A workflow in the words of a person: when it runs, for whom, and the blocks that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.definitions.workflow_parts import PromoCode
    from promo_campaigns.model.run_spec import CodeRequest, DataSource, Message


class Block(NamedTuple):
    """A block of a workflow's DAG.

    :ivar kind: ``start``, ``events``, ``approve``, ``contact``, ``code``, ``message``, ``data_source`` or ``end``;
        ``other`` for one of its author's own
    :ivar detail: what it does in this workflow
    """

    name: str
    kind: str
    detail: str


def schedule_in_words(workflow: Workflow) -> str | None:
    """Return when a workflow runs as one text; None for one that is triggered by hand."""
    if workflow.event:
        return f"event: {workflow.event}"
    schedule = workflow.schedule
    if schedule is None or isinstance(schedule, str):
        return schedule
    if isinstance(schedule, tuple):
        return ", ".join(schedule)
    name = getattr(schedule, "asset", None) or getattr(schedule, "timetable", None) or type(schedule).__name__
    return name if isinstance(name, str) else ", ".join(name)


def audience_in_words(workflow: Workflow) -> str:
    """Return whom a workflow is for."""
    return workflow.audience if isinstance(workflow.audience, str) else f"contacts of the event {workflow.event}"


def codes_in_words(codes: PromoCode | CodeRequest) -> str:
    """Return which codes a workflow gives out."""
    further = "".join(f", then {pool.type}, {pool.discount} %" for pool in codes.next_pools)
    names = [one if isinstance(one, str) else one.name for one in codes.match]
    matched = f", by {', '.join(names)}" if names else ""
    return f"{codes.type}, {codes.discount} %, {codes.days} days{further}{matched}"


def list_blocks(workflow: Workflow, message: Message, sources: Sequence[DataSource]) -> list[Block]:
    """Return the blocks of a workflow in their order.

    :param sources: what the message binds, in the order of the definition
    """
    calls = {
        before: [Block("HTTP request data source", "data_source", one.name) for one in sources if one.before is before]
        for before in (True, False)
    }
    return [
        *_opening(workflow),
        Block("Get contact", "contact", f"by {message.channel}"),
        Block("Get promo code", "code", codes_in_words(workflow.promo_code)),
        *calls[True],
        Block("Message", "message", f"{message.name}, {message.channel} by {workflow.transport}"),
        *calls[False],
        Block("End", "end", ""),
    ]


def _opening(workflow: Workflow) -> list[Block]:
    if workflow.event:
        return [Block("Answer events", "events", workflow.event)]
    start = Block("Start", "start", audience_in_words(workflow))
    return [start, Block("Approve", "approve", "a person approves the run")] if workflow.approval else [start]
