"""Definitions compiled once per task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.delivery.pictures import place_of_link, source_texts
from promo_campaigns.delivery.rendering import MessageTemplates, RequestTemplates
from promo_campaigns.model.run import Purpose
from promo_campaigns.velocity import Limits, compile_template
from promo_campaigns.velocity.template import DEFAULT_LIMITS

if TYPE_CHECKING:
    from promo_campaigns.model.run_spec import DataSource, Message
    from promo_campaigns.velocity import Template
    from promo_campaigns.velocity.template import Mode

CODE = "promocode"
JSON_TYPE, XML_TYPE, TEXT_TYPE = "application/json", "application/xml; charset=utf-8", "text/plain; charset=utf-8"
CONTENT_TYPES = {"json": JSON_TYPE, "xml": XML_TYPE, "text": TEXT_TYPE}
BODY_MODES: dict[str, Mode] = {"json": "json", "xml": "xml", "text": "strict"}


def compile_message(message: Message) -> MessageTemplates:
    """Compile a message; in its HTML every value is escaped, and a value inside of a link is part of that link.

    :raises TemplateSyntaxError: title, body, HTML or an option is not Velocity
    """
    return MessageTemplates(
        channel=message.channel,
        title=compile_text(message.title),
        body=compile_text(message.body),
        html=compile_template(message.html, mode="html") if message.html else None,
        options={name: compile_text(value) for name, value in message.options.items()},
        variants={
            tag: compile_message(version) for tag, version in zip(message.variants, message.versions(), strict=True)
        },
    )


def compile_text(text: str) -> Template:
    """Compile a title, a body or an option; values are percent-encoded inside of links."""
    return compile_template(text, mode="message")


def compile_data_source(source: DataSource, place: int = 0) -> RequestTemplates:
    """Compile a data source; values are escaped by their position in path and body, and none of them may be missing.

    :param place: the source's place in the run's definition
    :raises TemplateSyntaxError: path, a header or the body is not Velocity, or the body is not of its format
    """
    path, headers, body = compile_path(source.path), compile_headers(source), compile_body(source)
    leads_to_code = any(place_of_link(text) >= 0 for text in source_texts([source]))
    return RequestTemplates(
        method=source.method,
        path=path,
        headers={**headers},
        body=body,
        purpose=Purpose.ANSWER if source.before else Purpose.PROFILE,
        source=place,
        shows_code=leads_to_code or any(template.reads(CODE) for template in (path, body, *headers.values())),
        records_per_request=source.records_per_request,
    )


def compile_path(text: str) -> Template:
    """Compile a path; each value is percent-encoded, so that it is one part of it."""
    return compile_template(text, mode="url")


def compile_headers(source: DataSource) -> dict[str, Template]:
    """Compile the headers; the type of the body is that of its format unless a header sets it."""
    given = dict(source.headers)
    if source.body.strip() and "content-type" not in {name.lower() for name in given}:
        given["Content-Type"] = CONTENT_TYPES[source.format]
    return {name: compile_template(value, mode="strict") for name, value in given.items()}


def compile_body(source: DataSource) -> Template:
    """Compile the body; one for many contacts may do that many times the work."""
    many = source.records_per_request
    limits = Limits(
        steps=DEFAULT_LIMITS.steps + 1_000 * many,
        items=DEFAULT_LIMITS.items + many,
        output=DEFAULT_LIMITS.output + 4_000 * many,
    )
    mode = BODY_MODES[source.format] if source.body.strip() else "strict"
    return compile_template(source.body, mode=mode, limits=limits)
