"""What is wrong with a workflow, found when its run is opened and not when somebody is to be sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.operators.approval import ApproveRunOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.message import SendMessageOperator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.sdk import BaseOperator, Context

    from promo_campaigns.definitions.names.check import Texts
    from promo_campaigns.hooks.store import PromoStoreHook
    from promo_campaigns.model.run_spec import RunSpec


def check_names(include: Path, texts: Texts, hook: PromoStoreHook) -> None:
    """Make sure that every name that a text reads is one that something can have, by the fields in the store as well.

    :raises DefinitionError: one is not
    """
    from promo_campaigns.contacts.store import list_fields
    from promo_campaigns.definitions.names.check import require_names
    from promo_campaigns.definitions.names.declared import read_declared, require_fields

    if read := require_names(include, texts):
        with hook.connect() as connection:
            require_fields(read_declared(include), read, list_fields(connection))


def asks_approval(start: BaseOperator) -> bool:
    """Tell whether a block behind Start asks a person to approve its run."""
    if not start.has_dag():  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return False
    return any(_is_a(task, ApproveRunOperator) for task in start.get_flat_relatives(upstream=False))


def check_blocks(start: BaseOperator, context: Context, include: Path, spec: RunSpec) -> None:
    """Make sure that each data source has its block, on the right side of every Message block behind Start.

    A block whose data source is known only once the blocks before it have run is taken to be right.

    :param start: the Start block; what comes after it belongs to its run
    :raises DefinitionError: a block stands on the wrong side, is missing, or calls what the message does not bind
    """
    if not start.has_dag():  # type: ignore[no-untyped-call]  # Airflow's method has no types
        return
    behind = list(start.get_flat_relatives(upstream=False))
    messages = [task for task in behind if _is_a(task, SendMessageOperator)]
    blocks = [(task, _named_source(start, task, context)) for task in behind if _is_a(task, HttpDataSourceOperator)]
    if messages:
        for name, problem, hint in _contradictions(spec, messages, blocks):
            _fail(include, spec, name, problem, hint)


def _contradictions(
    spec: RunSpec, messages: list[Any], blocks: list[tuple[Any, str | None]]
) -> Iterator[tuple[str, str, str]]:
    """Yield what contradicts the message: the data source, the problem, and a hint."""
    for task, name in blocks:
        if name is not None and (wrong := _misplaced(spec, messages, task, name)):
            yield name, *wrong
    called = {name for _, name in blocks}
    for source in spec.data_sources:
        if None not in called and source.name not in called:
            side = "between Get promo code and Message" if source.before else "after Message"
            problem = f"the message binds {source.name!r}, and no block calls it"
            yield source.name, problem, f"Put an HttpDataSourceOperator {side}"


def _misplaced(spec: RunSpec, messages: list[Any], task: Any, name: str) -> tuple[str, str] | None:
    """Return what is wrong with where a block stands, and a hint."""
    place, block = spec.place_of(name), f"the block {task.task_id!r} calls it"
    if place is None:
        return f"the message does not bind {name!r}, and {block}", "Bind it, or leave the block out"
    before = spec.data_sources[place].before
    if all(task.task_id in message.get_flat_relative_ids(upstream=before) for message in messages):
        return None
    if before:
        hint = "Put the block between Get promo code and Message, or do not read the answer"
        return f"the message reads the answer of {name!r}, and {block} after the message", hint
    hint = "Put the block after Message, or read the answer in the message"
    return f"the message binds {name!r} and does not read its answer, and {block} before the message", hint


def _fail(include: Path, spec: RunSpec, name: str, problem: str, hint: str) -> None:
    from promo_campaigns.definitions.definitions import binding_line

    message = spec.message.name
    raise DefinitionError(
        problem, file=f"messages/{message}.yaml", line=binding_line(include, message, name), hint=hint
    )


def _is_a(task: Any, block: type[BaseOperator]) -> bool:
    kind = getattr(task, "operator_class", type(task))
    return isinstance(kind, type) and issubclass(kind, block)


def _named_source(start: BaseOperator, task: Any, context: Context) -> str | None:
    """Return which data source a block calls, or None if that cannot be known yet."""
    given = getattr(task, "data_source", None) or getattr(task, "partial_kwargs", {}).get("data_source")
    if not isinstance(given, str):
        return None
    rendered = start.render_template(given, context)
    return rendered if isinstance(rendered, str) else None
