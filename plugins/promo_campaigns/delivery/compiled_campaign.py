"""A run's definition, compiled once a task, for rendering, sending and previews."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from promo_campaigns.delivery.pictures import shows_pictures
from promo_campaigns.delivery.success_rule import SuccessRule
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.limits import limit_parameters
from promo_campaigns.model.links.unsubscribing import UnsubscribeLinks
from promo_campaigns.model.picture_link import PictureLinks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.delivery.rendering import MessageTemplates, RequestTemplates
    from promo_campaigns.model.run_spec import DataSource, RunSpec


class CompiledSource:
    """A data source that a message binds.

    :ivar definition: the data source as its author wrote it
    :ivar pictures_url: where the campaign's contacts reach pictures of their codes; empty for nowhere
    """

    def __init__(self, definition: DataSource, place: int, pictures_url: str = "") -> None:
        self.definition = definition
        self.pictures_url = pictures_url
        self._place = place

    @cached_property
    def templates(self) -> RequestTemplates:
        """What its requests are rendered from.

        :raises TemplateSyntaxError: path, a header or the body is not Velocity
        """
        return compile_data_source(self.definition, self._place)

    @cached_property
    def success_rule(self) -> SuccessRule | None:
        """What its answers prove beyond their status; None if the status alone decides.

        :raises TemplateSyntaxError: the condition is none
        """
        return SuccessRule(self.definition) if self.definition.before or self.definition.success else None


class CompiledCampaign:
    """Templates, success rules and limits of one run.

    Each part is compiled when it is first used and kept: a task that claims codes compiles no message.

    :ivar spec: the definition
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec

    @cached_property
    def message(self) -> MessageTemplates:
        """What messages are rendered from.

        :raises TemplateSyntaxError: title, body, HTML or an option is not Velocity
        """
        return compile_message(self.spec.message)

    @cached_property
    def sources(self) -> tuple[CompiledSource, ...]:
        """The data sources, in the order of the definition, which is that of their places in the ledger."""
        url = self.spec.pictures_url
        return tuple(CompiledSource(source, place, url) for place, source in enumerate(self.spec.data_sources))

    @cached_property
    def webhook(self) -> RequestTemplates | None:
        """The request that carries the message; None if the transport is another than ``webhook``."""
        webhook = self.spec.webhook if self.spec.transport == "webhook" else None
        return compile_data_source(webhook) if webhook else None

    @cached_property
    def pictures(self) -> PictureLinks | None:
        """Makes links to pictures of codes, as a preview does; None if no text shows one."""
        return PictureLinks(url=self.spec.pictures_url) if shows_pictures(self.spec) else None

    @cached_property
    def unsubscribing(self) -> UnsubscribeLinks | None:
        """Makes links to unsubscribe, as a preview does; None if nobody serves them."""
        url = self.spec.unsubscribe_url
        return UnsubscribeLinks(url=url, channel=self.spec.message.channel) if url else None

    @cached_property
    def limits(self) -> Mapping[str, Any]:
        """Quiet hours and frequency cap, as the parameters under which the store weighs them."""
        return limit_parameters(self.spec.limits)

    def source(self, name: str) -> CompiledSource:
        """Return a data source by its name.

        :raises ConfigurationError: the message does not bind it
        """
        place = self.spec.place_of(name)
        if place is None:
            bound = ", ".join(repr(source.name) for source in self.spec.data_sources) or "no data source"
            msg = f"the message {self.spec.message.name!r} binds {bound}, not {name!r}"
            raise ConfigurationError(msg)
        return self.sources[place]
