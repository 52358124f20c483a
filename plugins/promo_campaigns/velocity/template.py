"""Compiled templates."""

from __future__ import annotations

from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from promo_campaigns.model.errors import LimitExceededError, TemplateError, TemplateRenderError
from promo_campaigns.model.typed.strict_json import is_encodable
from promo_campaigns.velocity.codegen.generator import FILE, generate
from promo_campaigns.velocity.dialect import DIALECTS
from promo_campaigns.velocity.fault import Fault
from promo_campaigns.velocity.limits import Limits
from promo_campaigns.velocity.parser.inspection import BoundSource, data_sources, names_read, reads, references
from promo_campaigns.velocity.parser.line_shape import prints_several_lines
from promo_campaigns.velocity.parser.names import UnknownName, unknown_names
from promo_campaigns.velocity.parser.printed import (
    NoDirective,
    PrintedText,
    Swallowed,
    date_patterns,
    no_directives,
    printed_texts,
    swallowed_texts,
)
from promo_campaigns.velocity.parser.template_parser import parse
from promo_campaigns.velocity.parser.tree import Text
from promo_campaigns.velocity.parser.walk import printed_in_place, printed_references
from promo_campaigns.velocity.place import error_at, locate
from promo_campaigns.velocity.positions.json_position import JsonPositions
from promo_campaigns.velocity.positions.json_skeleton import check_result
from promo_campaigns.velocity.positions.json_text import escape_halves
from promo_campaigns.velocity.positions.link_position import LinkPositions
from promo_campaigns.velocity.positions.plain_text import check_xml, check_xml_template
from promo_campaigns.velocity.positions.position import Position
from promo_campaigns.velocity.positions.url_text import finish_url
from promo_campaigns.velocity.tools.names import check_tools
from promo_campaigns.velocity.values.method_table import METHOD_NAMES
from promo_campaigns.velocity.values.percent import CUT_HINT
from promo_campaigns.velocity.values.text_methods import narrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from promo_campaigns.velocity.parser.names import Shape
    from promo_campaigns.velocity.parser.tree import Block, Node

Mode = Literal["text", "message", "json", "html", "xml", "url", "strict"]
Version = Literal["2.4", "1.7", "vendor"]
DEFAULT_LIMITS = Limits()
KEPT, KEPT_LENGTH = 256, 20_000
"""How many compiled templates of up to how many characters are kept, for texts that are compiled again and again."""
_POSITIONS: Mapping[Mode, tuple[Position, Position]] = {
    "text": (Position.TEXT, Position.TEXT),
    "message": (Position.TEXT, Position.TEXT),
    "html": (Position.TEXT, Position.HTML),
    "strict": (Position.STRICT_TEXT, Position.STRICT_TEXT),
    "xml": (Position.STRICT_TEXT, Position.XML),
    "url": (Position.STRICT_TEXT, Position.URL),
}
"""Of a reference within a `"..."` literal, and of one printed in place."""
_LINKED = frozenset({"message", "html"})
"""Modes in which a value inside of a link is percent-encoded."""


class Template:
    """A Velocity template compiled to a Python function; made by `compile_template`, safe to share between threads.

    A context is a dict of str, int, float, Decimal, bool, None, Moment, dict and list. It is never changed, and its
    text is never read as a template. The tools speak the language and tell the time of the zone that it has under
    ``language`` and ``time_zone``.

    """

    def __init__(self, text: str, mode: Mode, dialect: Version, limits: Limits) -> None:
        if mode not in get_args(Mode) or dialect not in DIALECTS:
            problem = f"unknown mode {mode!r} or dialect {dialect!r}"
            raise ValueError(problem)
        self._made_of = (text, mode, dialect, limits)
        tree = parse(text, DIALECTS[dialect], limits)
        if DIALECTS[dialect].tools:
            check_tools(text, tree)
        self._json = mode == "json"
        self._check: Callable[[str], None] | None = None
        if self._json:
            json_positions = JsonPositions(text, tree)
            positions = json_positions.found
            self._check = None if json_positions.skeleton.proven else check_result
        else:
            positions = _positions(tree, mode)
        if mode == "xml":
            check_xml_template(text, tree)
            self._check = check_xml
        self._finish = finish_url if mode == "url" else None
        strict = mode not in {"text", "message", "html"}
        program = generate(text, tree, DIALECTS[dialect], limits, positions, strict=strict)
        self._render, self._offsets = program.render, program.offsets
        self._tree = tree
        self._constant = all(isinstance(node, Text) for node in tree.nodes)

    @cached_property
    def references(self) -> Mapping[str, frozenset[str]]:
        """The root names the template reads and does not set itself, each with the literal names it reads on it.

        `$name $data.get('code') $!{data.city}` gives `{"name": set(), "data": {"code", "city"}}`.
        """
        return MappingProxyType(references(self._tree))

    @cached_property
    def data_sources(self) -> tuple[BoundSource, ...]:
        """What the template binds with `#set($x = $!data.get('name'))`, in the order it is written."""
        return data_sources(self._made_of[0], self._tree)

    @cached_property
    def names_read(self) -> frozenset[str]:
        """The names read on `$data` for more than to bind them by a `#set`."""
        return names_read(self._tree)

    @property
    def prints_several_lines(self) -> bool:
        """Whether the text that it renders may have line breaks between its first and its last letter."""
        return prints_several_lines(self._tree)

    def reads(self, name: str) -> bool:
        """Tell whether the template may read a name, by itself or on `$data`."""
        return reads(self._tree, name)

    def unknown_names(self, known: Mapping[str, Shape]) -> list[UnknownName]:
        """Return the names the template reads that are neither known nor set by itself, in the order it is written.

        :param known: what can be read, by its root name
        """
        dialect = DIALECTS[self._made_of[2]]
        return unknown_names(self._tree, known, METHOD_NAMES, velocity_count=dialect.velocity_count)

    @property
    def printed_texts(self) -> list[PrintedText]:
        """The text of the template that is printed as it is written."""
        return list(printed_texts(self._made_of[0], self._tree))

    @property
    def swallowed_texts(self) -> list[Swallowed]:
        """The text that is not printed, since a `##` before it makes it a comment."""
        return list(swallowed_texts(self._made_of[0], self._tree))

    @property
    def date_patterns(self) -> list[tuple[str, int]]:
        """The patterns that values are formatted by, as far as they are written out, each with its offset."""
        return list(date_patterns(self._tree))

    @property
    def no_directives(self) -> list[NoDirective]:
        """What is printed, and looks as if it were meant as a directive."""
        return list(no_directives(self._made_of[0], self._tree))

    def line_of(self, at: int) -> int:
        """Return the 1-based line of a character offset."""
        return locate(self._made_of[0], at).line

    def __reduce__(self) -> tuple[type[Template], tuple[str, Mode, Version, Limits]]:
        return Template, self._made_of

    def render(self, context: Mapping[str, object]) -> str:
        """Return the text for one contact.

        :raises TemplateRenderError: these values cannot be rendered
        :raises LimitExceededError: the template asked for more than its limits allow
        """
        try:
            found = self._render(context if type(context) is dict else dict(context))
            if self._check is not None:
                self._check(found)
            if self._finish is not None:
                found = self._finish(found)
        except Fault as fault:
            error = self._placed(fault, fault.kind, fault.problem, fault.hint)
        except (RecursionError, MemoryError) as fault:
            problem = "values or calls are nested too deep, or too large"
            error = self._placed(fault, LimitExceededError, problem, "Give smaller values")
        else:
            return found if found.isascii() else self._sendable(found)
        raise error  # not from where it was caught: that would keep the frames, and with them the values

    def _sendable(self, text: str) -> str:
        """Return a text that can be encoded; halves of UTF-16 pairs that met in it are joined."""
        if is_encodable(text):
            return text
        text = escape_halves(text) if self._json else narrow(text)
        if is_encodable(text):
            return text
        problem = "the text holds half of a UTF-16 pair, which cannot be sent"
        raise TemplateRenderError(problem, hint=CUT_HINT)

    def render_many(self, contexts: Iterable[Mapping[str, object]]) -> list[str | TemplateError]:
        """Return for each contact its text, or the error that concerns it alone."""
        if self._constant:
            text = self._outcome({})
            return [text for _ in contexts]
        return [self._outcome(context) for context in contexts]

    def _outcome(self, context: Mapping[str, object]) -> str | TemplateError:
        try:
            return self.render(context)
        except (TemplateRenderError, LimitExceededError) as error:
            return error.with_traceback(None)

    def _placed(self, fault: Exception, kind: type[TemplateError], problem: str, hint: str) -> TemplateError:
        """Build the error of a fault; its place is the innermost line of generated code in the traceback."""
        offset, trace = 0, fault.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILE:
                offset = self._offsets[trace.tb_lineno - 1]
            trace = trace.tb_next
        return error_at(kind, self._made_of[0], offset, problem, hint)


def _positions(tree: Block, mode: Mode) -> dict[Node, Position]:
    within, in_place = _POSITIONS[mode]
    found: dict[Node, Position] = dict.fromkeys(printed_references(tree), within)
    found.update(dict.fromkeys(printed_in_place(tree), in_place))
    if mode in _LINKED:
        found.update(LinkPositions(tree, html=mode == "html").found)
    return found


def compile_template(
    text: str, *, mode: Mode = "text", dialect: Version = "vendor", limits: Limits = DEFAULT_LIMITS
) -> Template:
    """Compile a Velocity template.

    :param text: the template
    :param mode: what the result is. `text`: values as they are. `message`: likewise, but percent-encoded inside of a
        link. `html`: values escaped, and percent-encoded inside of a link. In the others a missing plain `$x` is an
        error: `strict`, values as they are; `json` and `xml`, escaped by position; `url`, percent-encoded
    :param dialect: the Velocity version it was written for; `vendor` is 2.4 with tools and the counters of 1.7
    :raises TemplateSyntaxError: it is not Velocity, or uses a directive that is refused
    :raises LimitExceededError: it is too long, too deep or has too many parts
    """
    return (_kept if len(text) <= KEPT_LENGTH else Template)(text, mode, dialect, limits)


_kept = lru_cache(maxsize=KEPT)(Template)
