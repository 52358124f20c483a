"""What blocks that open or preview a run are given: the campaign's definition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowNotFoundException

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.model.limits import parse_limits
from promo_campaigns.model.parameters import (
    MAX_PERCENT,
    code_request,
    optional_text,
    parse_choice,
    parse_contact_ids,
    parse_flag,
    parse_name,
    parse_percent,
    parse_share,
    parse_web_address,
    whole_number,
)
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import FallbackCode
from promo_campaigns.operators.base.store_operator import StoreOperator
from promo_campaigns.operators.base.workflow_checks import check_blocks, check_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.limits import Limits
    from promo_campaigns.model.run_spec import Audience, RunSpec


class CampaignOperator(StoreOperator):
    """A block that reads the definition of a campaign.

    :param message: name of a file in ``include/messages`` (templated)
    :param type: the pool to take codes from (templated)
    :param discount: 0 to 99, exact (templated)
    :param days: whole days a code must stay valid (templated)
    :param next_pools: where a contact gets its code if the pools before have none, in this order, each
        ``{"type": ..., "discount": ...}`` (templated)
    :param match: attributes of codes, each with where a contact's value of it is read, such as
        ``{"store": "$contact.store"}``; a code that carries attributes is given only to a contact who has them
        (templated)
    :param transport: what carries the message, as given to the Message block (templated)
    :param transport_conn_id: connection of the transport, as given to the Message block (templated)
    :param quiet_hours: when nobody is given a code or sent anything, by the contact's own clock: ``21:00-09:00``, or by
        day ``mon-fri 21:00-09:00; sat,sun 20:00-11:00`` (templated)
    :param time_zone: of contacts that have none, for the quiet hours (templated)
    :param frequency_cap: messages of the channel that a contact may get within some time, this run's included, such as
        ``3/7d``; others are skipped (templated)
    :param hold_out: percent of the reachable contacts who are kept without a code, the same ones in every run of the
        workflow, so that its effect can be measured (templated)
    :param reuse: what a contact gets who holds a code of the type and discount already, from whatever run: another one,
        ``new each run``; or that one again while it is valid for ``days`` and not in use,
        ``same until it expires`` or, where a shop tells which codes were used, ``until redeemed`` (templated)
    :param shows_code: whether the message must show the promo code; false if it reaches the contact in another way
        (templated)
    :param pictures_url: where contacts reach the profile API's pictures of codes, which ``$barcode.link`` leads to
        (templated)
    :param unsubscribe_url: where contacts reach the profile API to unsubscribe, which ``$unsubscribe_link`` and the
        header of a mail lead to (templated)
    :param fallback_code: a code that all those get for whom the pool has none; empty for none (templated)
    :param fallback_type: what it is called on profiles and in exports (templated)
    :param fallback_discount: its percentage (templated)
    :param fallback_expires: the last day on which it is valid, in ``time_zone`` (templated)
    :param abort_at: a run pauses itself once more than so many percent were refused or are unknown, of a hundred at
        least that were sent to; 100 for never (templated)
    :param workflow: name of the workflow; by default the DAG's id
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    """

    template_fields: Sequence[str] = (
        "message",
        "type",
        "discount",
        "days",
        "next_pools",
        "match",
        "transport",
        "transport_conn_id",
        "quiet_hours",
        "time_zone",
        "frequency_cap",
        "hold_out",
        "reuse",
        "shows_code",
        "pictures_url",
        "unsubscribe_url",
        "fallback_code",
        "fallback_type",
        "fallback_discount",
        "fallback_expires",
        "abort_at",
        "promo_db_conn_id",
    )

    def __init__(
        self,
        *,
        message: str,
        type: str,  # noqa: A002  (the vendor's name for it, see the design's words)
        discount: int | str,
        days: int | str,
        next_pools: Sequence[dict[str, Any]] | None = None,
        match: dict[str, str] | None = None,
        transport: str = "inbox",
        transport_conn_id: str | None = None,
        quiet_hours: str = "",
        time_zone: str = "UTC",
        frequency_cap: str = "",
        hold_out: float | str = 0,
        reuse: str = Reuse.NEW.value,
        shows_code: bool | str = True,
        pictures_url: str = "",
        unsubscribe_url: str = "",
        fallback_code: str = "",
        fallback_type: str = "Fallback",
        fallback_discount: int | str = 0,
        fallback_expires: str = "",
        abort_at: float | str = 20,
        workflow: str | None = None,
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.message = message
        self.type = type
        self.discount = discount
        self.days = days
        self.next_pools = next_pools
        self.match = match
        self.transport = transport
        self.transport_conn_id = transport_conn_id
        self.quiet_hours = quiet_hours
        self.time_zone = time_zone
        self.frequency_cap = frequency_cap
        self.hold_out = hold_out
        self.reuse = reuse
        self.shows_code = shows_code
        self.pictures_url = pictures_url
        self.unsubscribe_url = unsubscribe_url
        self.fallback_code = fallback_code
        self.fallback_type = fallback_type
        self.fallback_discount = fallback_discount
        self.fallback_expires = fallback_expires
        self.abort_at = abort_at
        self.workflow = workflow
        self.include_folder = include_folder

    def read_spec(
        self, context: Context, audience: str | Audience, contact_ids: Sequence[int] | str = (), *, event: str = ""
    ) -> RunSpec:
        """Read the definition, and find what is wrong with it before anything is opened.

        :param audience: name of a file in ``include/audiences``, or an audience that needs none
        :param contact_ids: the audience itself, in place of a file
        :param event: the type of the events that are answered
        :raises ConfigurationError: a parameter or a definition file is wrong, a text reads a name that nothing can
            have, a data source's connection is missing or wrong, or its block stands on the wrong side of the message
        """
        from promo_campaigns.definitions.definitions import read_run_spec
        from promo_campaigns.definitions.names.check import Texts
        from promo_campaigns.definitions.receiver_checks import check_receivers

        include = include_folder(self.include_folder)
        spec = read_run_spec(
            include,
            workflow=self.workflow or self.dag_id,
            audience=audience,
            contact_ids=parse_contact_ids(contact_ids),
            message=parse_name("message", self.message),
            codes=code_request(self.type, self.discount, self.days, self.next_pools, self.match),
            transport=parse_name("transport", self.transport),
            transport_conn_id=optional_text(self.transport_conn_id),
            hold_out=parse_percent("hold_out", self.hold_out),
            pictures_url=parse_web_address("pictures_url", optional_text(self.pictures_url)),
            unsubscribe_url=parse_web_address("unsubscribe_url", optional_text(self.unsubscribe_url)),
        )
        check_blocks(self, context, include, spec)
        shows_code = parse_flag("shows_code", self.shows_code)
        check_names(include, Texts.of(spec, event=event, shows_code=shows_code), self.hook)
        check_receivers(include, spec, self.delivery.receivers, missing=(AirflowNotFoundException,))
        reuse = parse_choice(Reuse, "reuse", self.reuse)
        return replace(spec, limits=self._limits(), reuse=reuse, fallback=self._fallback(spec))

    def read_abort_at(self) -> float:
        """Return at which share of failures, in percent, a run pauses itself.

        :raises ConfigurationError: it is no share above 0
        """
        return parse_share("abort_at", self.abort_at)

    def _fallback(self, spec: RunSpec) -> FallbackCode | None:
        from promo_campaigns.ledger.fallback import require_fallback

        code = optional_text(self.fallback_code)
        if not code:
            return None
        fallback = FallbackCode(
            code=code,
            type=parse_name("fallback_type", self.fallback_type),
            discount=whole_number("fallback_discount", self.fallback_discount, least=0, most=MAX_PERCENT),
            expires=parse_name("fallback_expires", self.fallback_expires),
            time_zone=optional_text(self.time_zone) or "UTC",
        )
        return require_fallback(fallback, spec.codes)

    def _limits(self) -> Limits:
        return parse_limits(
            quiet_hours=optional_text(self.quiet_hours),
            time_zone=optional_text(self.time_zone) or "UTC",
            frequency_cap=optional_text(self.frequency_cap),
        )
