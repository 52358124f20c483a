"""What a template prints as it is written, and what of its text it does not print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.tree import Block, Call, Choice, Literal, Reference, Text
from promo_campaigns.velocity.parser.walk import every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.velocity.parser.tree import Node

COMMENT = "##"
BLOCK_COMMENT, BLOCK_COMMENT_END = "#*", "*#"
AS_IT_IS, AS_IT_IS_END = "#[[", "]]#"
_REST = re.compile(r"[^\r\n]*")
_CALL = re.compile(r"#@?\{?([A-Za-z_][A-Za-z0-9_]*)\}?[ \t]*\(")
_MARKED_WORD = re.compile(r"#\{?([A-Za-z_]+)")
_ELSE_IF = re.compile(r"[ \t]*if[ \t]*\(")
_END_OF = re.compile(r"[ \t]+(?:if|foreach|macro|define)[ \t]*(?=[\r\n]|\Z)")
_ELSE = re.compile(r"#(?:else|\{else\})\Z")
_END = re.compile(r"#(?:end|\{end\})\Z")


@dataclass(frozen=True, slots=True)
class PrintedText:
    """Text that is printed as one piece, with its references as they are written.

    What stands between ``#[[`` and ``]]#`` is left out: it is meant as it is.

    :param text: the piece
    :param places: where each part of it begins: in the piece, and in the template
    """

    text: str
    places: tuple[tuple[int, int], ...]

    def at(self, index: int) -> int:
        """Return the place in the template of a place in the piece."""
        start, at = max(place for place in self.places if place[0] <= index)
        return at + index - start


@dataclass(frozen=True, slots=True)
class Swallowed:
    """Text that Velocity takes for a comment and does not print: behind a ``##`` that stands behind printed text.

    :param text: the text
    :param at: character offset of the mark
    :param mark: what begins the comment; a ``#*`` that is never closed takes all behind it
    """

    text: str
    at: int
    mark: str = COMMENT


@dataclass(frozen=True, slots=True)
class NoDirective:
    """A ``#word`` that is printed as it is, and looks as if it were meant as a directive.

    :param name: the word
    :param at: character offset of the ``#``
    :param known: the directives that it could be
    :param is_certain: it has brackets that hold a reference
    """

    name: str
    at: int
    known: tuple[str, ...]
    is_certain: bool = False


def printed_texts(template: str, tree: Block) -> Iterator[PrintedText]:
    """Yield the pieces of text of a template, those of its string literals included."""
    for node in every(tree):
        if isinstance(node, Block):
            yield from (_piece(template, run) for run in _runs(node))
        elif isinstance(node, Literal) and isinstance(node.value, str):
            yield PrintedText(node.value, ((0, node.at + 1),))


def swallowed_texts(template: str, tree: Block) -> Iterator[Swallowed]:
    """Yield the text that a ``##`` keeps from being printed, where it stands behind text on its line."""
    for block in every(tree):
        for run in _runs(block) if isinstance(block, Block) else ():
            line = ""
            for node in run:
                source, end = _source(template, node)
                line = (line + source).splitlines()[-1] if source and not source.endswith(("\n", "\r")) else ""
                rest = _REST.match(template, end + len(COMMENT))
                if template.startswith(COMMENT, end) and line.strip() and rest and rest.group().strip():
                    yield Swallowed(rest.group().strip(), end)
    yield from _never_closed(template, tree)


def _never_closed(template: str, tree: Block) -> Iterator[Swallowed]:
    at = template.rfind(BLOCK_COMMENT)
    if at < 0 or BLOCK_COMMENT_END in template[at + len(BLOCK_COMMENT) :]:
        return
    is_printed = any(isinstance(node, Text) and node.at <= at < _source(template, node)[1] for node in every(tree))
    if not is_printed and COMMENT not in template[:at].rpartition("\n")[2]:
        yield Swallowed(template[at + len(BLOCK_COMMENT) :].strip(), at, BLOCK_COMMENT)


def no_directives(template: str, tree: Block) -> Iterator[NoDirective]:
    """Yield what is printed as it is and looks like a directive: ``#sett($x = 1)``, and ``#esle`` within an ``#if``.

    Likewise the rest of ``#else if(...)`` and of ``#end if``, which other languages write so.
    """
    calls = ("set", "if", "elseif", "foreach", "macro", "define")
    arms = {id(body) for node in every(tree) if isinstance(node, Choice) for _, body in node.branches}
    for block in every(tree):
        for node in block.nodes if isinstance(block, Block) else ():
            if not isinstance(node, Text) or template.startswith(AS_IT_IS, node.at):
                continue
            call = _CALL.match(node.value)
            if call:
                yield NoDirective(call.group(1), node.at, calls, is_certain="$" in node.value)
            elif id(block) in arms:
                for word in _MARKED_WORD.finditer(node.value):
                    yield NoDirective(word.group(1), node.at + word.start(), ("else", "elseif", "end"))
            yield from _of_two_words(template, node)


def _of_two_words(template: str, node: Text) -> Iterator[NoDirective]:
    if _ELSE.search(template, 0, node.at) and _ELSE_IF.match(node.value):
        yield NoDirective("else if", node.at, ("elseif",), is_certain=True)
    elif _END.search(template, 0, node.at) and (rest := _END_OF.match(node.value)):
        yield NoDirective(f"end{rest.group().rstrip()}", node.at, ("end",), is_certain=True)


def date_patterns(tree: Block) -> Iterator[tuple[str, int]]:
    """Yield each pattern that a value is formatted by and that is written out, and where it stands."""
    for node in every(tree):
        for step in node.steps if isinstance(node, Reference) else ():
            if isinstance(step, Call) and step.name == "format" and step.arguments:
                pattern = step.arguments[0]
                if isinstance(pattern, Literal) and isinstance(pattern.value, str):
                    yield pattern.value, pattern.at


def _runs(block: Block) -> Iterator[list[Text | Reference]]:
    """Yield what stands side by side in a block without a directive between."""
    run: list[Text | Reference] = []
    for node in block.nodes:
        if isinstance(node, Text | Reference):
            run.append(node)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _source(template: str, node: Node) -> tuple[str, int]:
    """Return what a printed node looks like in the template, and where it ends there."""
    if isinstance(node, Reference):
        return node.source, node.at + len(node.source)
    value = node.value if isinstance(node, Text) else ""
    marks = len(AS_IT_IS) + len(AS_IT_IS_END) if template.startswith(AS_IT_IS, node.at) else 0
    return value, node.at + len(value) + marks


def _piece(template: str, run: list[Text | Reference]) -> PrintedText:
    text, places = "", []
    for node in run:
        source, _ = _source(template, node)
        places.append((len(text), node.at))
        text += " " * len(source) if template.startswith(AS_IT_IS, node.at) else source
    return PrintedText(text, tuple(places))
