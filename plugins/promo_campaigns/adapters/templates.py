"""Definitions compiled once per task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.core.rendering import MessageTemplates, RequestTemplates
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from promo_campaigns.core.models import DataSource, Message


def compile_message(message: Message) -> MessageTemplates:
    """Compile a message; in its HTML every value is escaped.

    :raises TemplateSyntaxError: title, body, HTML or an option is not Velocity
    """
    return MessageTemplates(
        channel=message.channel,
        title=compile_template(message.title),
        body=compile_template(message.body),
        html=compile_template(message.html, mode="html") if message.html else None,
        options={name: compile_template(value) for name, value in message.options.items()},
    )


def compile_data_source(source: DataSource) -> RequestTemplates:
    """Compile a data source; a JSON body escapes every value by its position.

    :raises TemplateSyntaxError: path, a header or the body is not Velocity, or the body is not JSON
    """
    return RequestTemplates(
        method=source.method,
        path=compile_template(source.path),
        headers={name: compile_template(value) for name, value in source.headers.items()},
        body=compile_template(source.body, mode="json" if source.format == "json" and source.body else "text"),
    )
