"""How a printed value is written, by where it stands: plain text, HTML, inside or outside a JSON string."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.velocity.codegen.code_writer import CodeWriter


class Position(Enum):
    """A kind of place. Each writes the code that turns the value in a variable into what is printed there."""

    TEXT = "text"
    HTML = "html"
    STRICT_TEXT = "text of a value where a missing one is an error"
    XML = "text of a value inside XML"
    URL = "text of a value inside a path or query"
    LINK_PATH = "inside the path of a link"
    LINK_QUERY = "inside the query of a link, or behind its #"
    JSON_STRING = "inside a JSON string"
    JSON_VALUE = "outside JSON strings"

    def convert(self, writer: CodeWriter, name: str, missing: str, *, quiet: bool) -> None:
        """Write the conversion of the value in `name`.

        :param missing: the Python expression of what is printed where there is no value
        :param quiet: whether it may be missing where that is an error otherwise
        """
        if self is Position.TEXT:
            writer.line(f"if type({name}) is not str: {name} = show({name}, {missing}, m)")
        elif self is Position.HTML:
            writer.line(f"{name} = html({name}, {missing}, m)")
        elif self in _LINKS:
            writer.line(f"{name} = {_LINKS[self]}({name}, {missing}, m)")
        elif self is Position.JSON_VALUE:
            writer.line(f"{name} = json_value({name}, {quiet}, m)")
        elif self is Position.URL:  # the values inside a rendered block are encoded already
            writer.line(f"if type({name}) is rendered: {name} = show({name}, '', m)")
            writer.line(f"elif type({name}) is encoded: {name} = encoded_url({name})")
            writer.line(f"else: {name} = url({name} if type({name}) is str else strict({name}, {quiet}, m))")
        elif self is Position.XML:
            writer.line(f"if type({name}) is encoded and {name}.form != 'url': {name} = {name}.text")
            writer.line(f"else: {name} = xml({name} if type({name}) is str else strict({name}, {quiet}, m))")
        else:
            writer.line(f"if type({name}) is not str: {name} = strict({name}, {quiet}, m)")
            if self is Position.JSON_STRING:
                writer.line(f"{name} = quote({name})[1:-1]")


_LINKS = {Position.LINK_PATH: "in_path", Position.LINK_QUERY: "in_query"}
