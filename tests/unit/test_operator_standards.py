"""What every block promises, whichever it is."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator

import promo_campaigns.operators as operators_room
import promo_campaigns.sensors as sensors_room
from promo_campaigns.operators.base.audience_operator import AudienceOperator
from promo_campaigns.operators.base.campaign_operator import CampaignOperator
from promo_campaigns.operators.base.events_operator import EventsOperator
from promo_campaigns.operators.base.payload_operator import HandedOver
from promo_campaigns.operators.base.store_operator import StoreOperator

BASES = {
    BaseOperator,
    BaseSensorOperator,
    StoreOperator,
    HandedOver,
    CampaignOperator,
    AudienceOperator,
    EventsOperator,
}


def blocks() -> list[type[BaseOperator]]:
    found = set()
    for room in (operators_room, sensors_room):
        for module in walk_packages(room.__path__, f"{room.__name__}."):
            for _, member in inspect.getmembers(import_module(module.name), inspect.isclass):
                if issubclass(member, BaseOperator) and member.__module__.startswith("promo_campaigns."):
                    found.add(member)
    return sorted(found - BASES, key=lambda block: block.__name__)


def parameters(block: type[BaseOperator]) -> dict[str, inspect.Parameter]:
    """Return a block's own parameters, and those it passes on to the block it is a kind of."""
    named: dict[str, inspect.Parameter] = {}
    for kind in reversed(block.__mro__):
        if kind.__module__.startswith("promo_") and "__init__" in vars(kind):
            named |= inspect.signature(vars(kind)["__init__"]).parameters
    return {name: parameter for name, parameter in named.items() if name not in {"self", "kwargs"}}


def build(block: type[BaseOperator]) -> BaseOperator:
    make: Any = block
    built: BaseOperator = make(
        task_id="block", **{name: "{{ x }}" for name, it in parameters(block).items() if it.default is it.empty}
    )
    return built


@pytest.mark.parametrize("block", blocks())
def test_a_block_takes_keywords_only_and_documents_each(block: type[BaseOperator]) -> None:
    assert {it.kind for it in parameters(block).values()} <= {inspect.Parameter.KEYWORD_ONLY}
    documented = "".join(inspect.getdoc(kind) or "" for kind in block.__mro__ if kind.__module__.startswith("promo_"))
    assert [name for name in parameters(block) if f":param {name}:" not in documented] == []


@pytest.mark.parametrize("block", blocks())
def test_building_a_block_only_assigns_and_reaches_nothing(
    block: type[BaseOperator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object) -> None:
        pytest.fail("a connection was read while the DAG was parsed")

    monkeypatch.setattr("airflow.sdk.BaseHook.get_connection", touched)
    built = build(block)
    required = [name for name, it in parameters(block).items() if it.default is it.empty]
    assert {name: getattr(built, name) for name in required} == dict.fromkeys(required, "{{ x }}")


@pytest.mark.parametrize("block", blocks())
def test_every_template_field_is_an_attribute(block: type[BaseOperator]) -> None:
    built = build(block)
    assert [name for name in block.template_fields if not hasattr(built, name)] == []
    assert isinstance(block.template_fields, tuple)


@pytest.mark.parametrize(
    ("block", "others"),
    [
        ("StartOnEventsOperator", ["audience", "contact_ids", "edition", "send_by", "stock", "preview_only"]),
        (
            "AnswerEventsOperator",
            ["audience", "contact_ids", "edition", "send_by", "stock", "preview_only", "batch_size"],
        ),
        ("PreviewOperator", ["mode", "preview_only", "batch_size"]),
    ],
)
def test_a_block_takes_no_parameter_that_it_would_refuse_or_not_use(block: str, others: list[str]) -> None:
    (kind,) = (one for one in blocks() if one.__name__ == block)
    assert set(others) & set(parameters(kind)) == set()
    make: Any = kind
    required = {name: "x" for name, it in parameters(kind).items() if it.default is it.empty}
    for name in others:
        with pytest.raises(TypeError, match=f"(?s)Invalid arguments.*{name}"):
            make(task_id="block", **required, **{name: "x"})


def test_every_block_is_under_test() -> None:
    assert {block.__name__ for block in blocks()} >= {
        "EndOperator",
        "GetContactOperator",
        "GetPromoCodeOperator",
        "HttpDataSourceOperator",
        "SendMessageOperator",
        "StartOperator",
    }
