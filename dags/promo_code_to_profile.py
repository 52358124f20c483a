"""Sends a promo code to each contact of an audience, and records it on the profile: the workflow to copy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, XComArg, task_group

from promo_campaigns.model.run_spec import NOBODY_IS_SENT
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.workflows import offered_values

OFFERED = offered_values("promo_push", "all_contacts")
"""What the drop-downs of the trigger form hold: the messages and audiences that there are."""
PARAMS = {
    "type": Param(
        "Welcome",
        type="string",
        minLength=1,
        title="Type",
        description="The pool to take codes from",
        **OFFERED["type"],
    ),
    "discount": Param(10, type="integer", minimum=0, maximum=99, title="Discount", description="In percent, exact"),
    "days": Param(7, type="integer", minimum=0, title="Days", description="How long a code must stay valid"),
    "message": Param(
        "promo_push",
        type="string",
        title="Message",
        description=f"A file of include/messages. {NOBODY_IS_SENT}",
        **OFFERED["message"],
    ),
    "audience": Param(
        "all_contacts",
        type="string",
        title="Audience",
        description="A file of include/audiences",
        **OFFERED["audience"],
    ),
    "mode": Param(
        None,
        type=["null", "string"],
        enum=[None, "missing", "profiles", "refuse"],
        values_display={
            "None": "send only to contacts that were not reached, unless the run was set otherwise",
            "missing": "send only to contacts that were not reached",
            "profiles": "only write the profiles again",
            "refuse": "refuse",
        },
        title="If the send is done already",
        description="Nobody is sent anything twice in any case",
    ),
    "dry_run": Param(
        default=False, type="boolean", title="Dry run", description="Write a preview; nothing is sent, no code is taken"
    ),
    "edition": Param(
        None, type=["null", "string"], title="Edition", description="Two runs of one edition are one send"
    ),
    "repeat": Param(
        default=False, type="boolean", title="Repeat", description="Send again though the same was sent minutes ago"
    ),
}
CODES: dict[str, Any] = {name: f"{{{{ params.{name} }}}}" for name in ("type", "discount", "days")}

with DAG(
    "promo_code_to_profile",
    description="Start, Get contact, Get promo code, Message, HTTP request data source, End",
    schedule=None,
    params=PARAMS,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=10)},
    tags=["promo"],
):
    start = StartOperator(
        task_id="start",
        task_display_name="Start",
        message="{{ params.message }}",
        audience="{{ params.audience }}",
        edition="{{ params.edition }}",
        repeat="{{ params.repeat }}",
        mode="{{ params.mode }}",
        preview_only="{{ params.dry_run }}",
        **CODES,
    )

    @task_group(group_id="batch", group_display_name="Each batch")
    def send_batch(batch: XComArg) -> None:
        """Take one batch of contacts through the blocks."""
        contact = GetContactOperator(task_id="get_contact", task_display_name="Get contact", batch=batch)
        promo_code = GetPromoCodeOperator(
            task_id="get_promo_code", task_display_name="Get promo code", contacts=contact.output, **CODES
        )
        message = SendMessageOperator(
            task_id="message",
            task_display_name="Message",
            assignments=promo_code.output,
            message="{{ params.message }}",
        )
        HttpDataSourceOperator(
            task_id="http_request_data_source",
            task_display_name="HTTP request data source",
            assignments=message.output,
            data_source="promo_to_profile",
        )

    end = EndOperator(
        task_id="end",
        task_display_name="End",
        run_id=start.run,
        workflow="promo_code_to_profile",
        data_sources=["promo_to_profile"],
    )
    send_batch.expand(batch=start.output) >> end
