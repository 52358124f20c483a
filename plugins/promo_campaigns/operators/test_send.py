"""The Test send block."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseAsyncOperator

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.hooks.page_links import WorkflowsPageLink
from promo_campaigns.model.errors import SendError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.parameters import (
    code_request,
    optional_text,
    parse_contact_ids,
    parse_name,
    parse_web_address,
)
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.run_spec import RunSpec


class SendTestOperator(StoreOperator, BaseAsyncOperator):
    """Really sends the message to named test contacts, with ``TEST-NO-CODE`` in place of a code.

    It opens no run, takes no code and calls no data source; an answer that the message reads is the example
    ``data_sources/<name>.answer.json``, or missing. Each DAG run is a test send of its own, under idempotency keys that
    no run's send has. It is not retried unless it is told to be.

    Returns ``[{"contact_id": 17, "outcome": "ok", "detail": ""}, …]``.

    :param message: name of a file in ``include/messages`` (templated)
    :param contact_ids: whom to, 20 at most (templated)
    :param audience: name of a file in ``include/audiences`` whose columns the message reads: it shows the examples that
        are declared with them (templated)
    :param type: what the message shows as the code's type (templated)
    :param discount: likewise (templated)
    :param days: after how many days the code that is none ends (templated)
    :param transport: the transport, as given to the Message block (templated)
    :param transport_conn_id: connection of the transport, as given to the Message block (templated)
    :param pictures_url: where contacts reach the profile API's pictures of codes, as given to Start (templated)
    :param unsubscribe_url: where contacts reach the profile API to unsubscribe, likewise (templated)
    :param workflow: the name the test is made for; by default the DAG's id
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    :raises SendError: somebody was sent nothing, or nobody knows
    :raises ConfigurationError: a parameter or a definition file is wrong
    """

    template_fields: Sequence[str] = (
        "message",
        "contact_ids",
        "audience",
        "type",
        "discount",
        "days",
        "transport",
        "transport_conn_id",
        "pictures_url",
        "unsubscribe_url",
        "promo_db_conn_id",
    )
    operator_extra_links = (WorkflowsPageLink(),)
    ui_color = "#fde2ef"

    def __init__(
        self,
        *,
        message: str,
        contact_ids: Sequence[int] | str,
        audience: str = "",
        type: str = "Test",  # noqa: A002  (the vendor's name for it, see the design's words)
        discount: int | str = 0,
        days: int | str = 30,
        transport: str = "inbox",
        transport_conn_id: str | None = None,
        pictures_url: str = "",
        unsubscribe_url: str = "",
        workflow: str | None = None,
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"retries": 0, **kwargs})
        self.message = message
        self.contact_ids = contact_ids
        self.audience = audience
        self.type = type
        self.discount = discount
        self.days = days
        self.transport = transport
        self.transport_conn_id = transport_conn_id
        self.pictures_url = pictures_url
        self.unsubscribe_url = unsubscribe_url
        self.workflow = workflow
        self.include_folder = include_folder

    async def aexecute(self, context: Context) -> list[dict[str, Any]]:
        """Send, and tell what it came to."""
        from promo_campaigns.definitions.sample_answers import read_sample_answers
        from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
        from promo_campaigns.preview.test_message import (
            make_run_key,
            render_test_messages,
            require_sending,
            send_test_messages,
        )

        spec = self._spec()
        key = make_run_key(spec.workflow, context["dag_run"].run_id)
        answers = read_sample_answers(include_folder(self.include_folder), spec)
        with self.hook.connect() as connection:
            who = parse_contact_ids(self.contact_ids)
            rendered = render_test_messages(connection, CompiledCampaign(spec), who, key=key, answers=answers)
            require_sending(connection)
        async with self.delivery.receivers.open_transport(spec) as transport:
            outcomes = await send_test_messages(rendered, transport)
        for one in outcomes:
            self.log.info("Contact %d: %s %s", one.contact_id, one.outcome, one.detail)
        if failed := [one for one in outcomes if one.outcome != Outcome.OK.value]:
            msg = f"{len(failed)} of {len(outcomes)} test messages were not accepted; the first: {failed[0].detail}"
            raise SendError(msg)
        return [asdict(one) for one in outcomes]

    def _spec(self) -> RunSpec:
        from promo_campaigns.definitions.definitions import read_audience, read_run_spec, require_carried
        from promo_campaigns.definitions.names.check import Texts, require_names

        include = include_folder(self.include_folder)
        spec = read_run_spec(
            include,
            workflow=self.workflow or self.dag_id,
            audience="",
            contact_ids=parse_contact_ids(self.contact_ids),
            message=parse_name("message", self.message),
            codes=code_request(self.type, self.discount, self.days),
            transport=parse_name("transport", self.transport),
            transport_conn_id=optional_text(self.transport_conn_id),
            pictures_url=parse_web_address("pictures_url", optional_text(self.pictures_url)),
            unsubscribe_url=parse_web_address("unsubscribe_url", optional_text(self.unsubscribe_url)),
        )
        if audience := optional_text(self.audience):
            columns = read_audience(include, audience).columns
            spec = replace(spec, audience=replace(spec.audience, columns=columns))
        require_names(include, Texts.of(spec, event=None, shows_code=False))
        require_carried(include, spec.message, self.delivery.receivers.transport(spec))
        return spec
