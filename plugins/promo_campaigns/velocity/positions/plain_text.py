"""Values as text where a missing one is an error: in XML, in a header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from promo_campaigns.model.errors import TemplateSyntaxError
from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.parser.tree import Assign, Define, Literal, Macro, Reference, Text
from promo_campaigns.velocity.place import error_at

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Block

_QUOTES = {'"': "&quot;", "'": "&apos;", "\r": "&#13;"}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STEADY = (Text, Reference, Assign, Define, Macro, Literal)


def xml_text(text: str) -> str:
    """Return a text as XML, for an element as well as for an attribute.

    :raises Fault: it holds a character that XML has no way to write
    """
    if _FORBIDDEN.search(text):
        fail("a value holds a character that XML does not allow")
    return escape(text, _QUOTES)


def check_xml(text: str) -> None:
    """Check a rendered body.

    :raises Fault: it is no well-formed XML
    """
    try:
        _parse(text)
    except (expat.ExpatError, ValueError):
        fail("the rendered body is no well-formed XML", "Check the elements that #if and #foreach open or close")


def check_xml_template(text: str, tree: Block) -> None:
    """Check a body whose elements do not depend on values; any other is checked once it is rendered.

    :raises TemplateSyntaxError: whatever the values, the result would be no well-formed XML
    """
    if not all(isinstance(node, _STEADY) for node in tree.nodes):
        return
    skeleton = "".join(_shown(node) for node in tree.nodes if isinstance(node, Text | Reference))
    try:
        _parse(skeleton)
    except (expat.ExpatError, ValueError) as error:
        problem = f"the body is no well-formed XML: {error}"
        raise error_at(TemplateSyntaxError, text, 0, problem, "Close every element, and write & as &amp;") from None


def _parse(text: str) -> None:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.Parse(text.encode("utf-8", "surrogatepass"), True)  # noqa: FBT003  (expat's signature)


def _no_doctype(*_: object) -> NoReturn:
    problem = "a document type is not allowed"
    raise ValueError(problem)


def _shown(node: Text | Reference) -> str:
    return node.value if isinstance(node, Text) else "x"
