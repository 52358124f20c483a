"""Text with references, directives, comments and escapes: the outermost rule of the grammar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import LimitExceededError, TemplateSyntaxError
from promo_campaigns.velocity.fault import LIMIT_HINT
from promo_campaigns.velocity.parser.directive_parser import LINE_END, MOST_DOLLARS, Closed, DirectiveParser, Opening
from promo_campaigns.velocity.parser.scanner import Tally
from promo_campaigns.velocity.parser.tree import Block, Reference, Text
from promo_campaigns.velocity.place import error_at

if TYPE_CHECKING:
    from promo_campaigns.velocity.dialect import Dialect
    from promo_campaigns.velocity.limits import Limits
    from promo_campaigns.velocity.parser.tree import Node

MARK = re.compile(r"(\\*)(?:(\$*)\$|#)")
MACRO = re.compile(r"#\{?macro\}?[ \t\r\n]*\([ \t\r\n]*([A-Za-z_][A-Za-z0-9_]*)")
LONELY_DOLLARS = re.compile(r"(?<!\$)\$+!?\Z")
TAKEN_UP = re.compile(r"(?:\\*\$!?)+\Z")
SLASHED = re.compile(r"\$\\(\\*)!([A-Za-z_][A-Za-z0-9_]*)")
REST_OF_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)?")
UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
COMMENTS = ("##", "#*", "#[[")
CLOSERS = ("end", "else", "elseif")
ESCAPABLE = (*CLOSERS, "set", "if", "foreach", "macro", "define", "break", "stop", "include", "parse", "evaluate")


class TemplateParser(DirectiveParser):
    """Reads a whole template, or the text of a string literal."""

    inner = False
    bare_end = -2

    def template(self) -> Block:
        """Read to the end of the text."""
        closed = self.block()
        if closed.by:
            self.fail(
                f"#{closed.by} without an opening directive", at=closed.at, hint=f"Write \\#{closed.by} to print it"
            )
        return closed.body

    def inner_template(self, text: str, base: int) -> Block:
        """Parse the text of a `"..."` literal."""
        parser = TemplateParser(text, self.dialect, self.limits, whole=self.whole, base=base, tally=self.tally)
        parser.inner = True
        return parser.template()

    def block(self) -> Closed:
        """Read nodes up to the directive that ends the block, and that directive."""
        nodes: list[Node] = []
        first = self.pos
        shown = first
        while match := MARK.search(self.text, self.pos):
            slashes = len(match.group(1))
            self.pos = match.end() - 1
            if self.text[self.pos] == "#" and not slashes % 2:
                closer, opening = self._closer()
                if closer:
                    self._print(nodes, shown, self._swallowed(shown, opening.cut - slashes // 2))
                    return Closed(Block(self.base + first, tuple(nodes)), closer, match.end() - 1, opening.leads)
            cut, node = self._marked(slashes, len(match.group(2) or ""), shown)
            if cut is None:
                continue
            is_directive = node is not None and not isinstance(node, Text | Reference)
            self._print(nodes, shown, self._swallowed(shown, cut) if is_directive else cut)
            if node is not None:
                nodes.append(node)
            shown = self.pos
        self.pos = len(self.text)
        self._print(nodes, shown, self.pos)
        return Closed(Block(self.base + first, tuple(nodes)), "", self.pos)

    def _print(self, nodes: list[Node], start: int, end: int) -> None:
        if end > start:
            nodes.append(Text(self.base + start, self.text[start:end]))

    def _swallowed(self, shown: int, cut: int) -> int:
        """Return where the text before a directive ends: 1.7 loses `$` signs right before one."""
        if self.dialect.whole_lines:
            return cut
        before = self.text[max(shown, cut - MOST_DOLLARS) : cut]
        return cut - len(before) + len(LONELY_DOLLARS.sub("", before))

    def _closer(self) -> tuple[str, Opening]:
        name, end, block_call = self.word()
        opening = self.opening(self.pos)
        if block_call or name not in CLOSERS:
            return "", opening
        self.pos = end
        return name, opening

    def _marked(self, slashes: int, dollars: int, shown: int) -> tuple[int | None, Node | None]:
        """Read what a `$` or `#` starts: where the text before it ends (nothing: it is text itself) and its node."""
        start = self.pos
        if self.text[start] == "$":
            node = self._curly(start - 1) if start - 1 == self.bare_end and self.text[start - 1] == "{" else None
            if node is not None:
                return start - 1, node
            marked = SLASHED.match(self.text, start)
            if marked:
                return start, self._slashed(marked)
            node = self.reference(slashes, dollars if slashes else 0)
            if node is None:
                self.pos = start + 1
                return self._lost_mark() or self._lonely(start)
            if self.dialect.whole_lines and not node.source.endswith("}"):
                self.bare_end = self.pos
            return start - slashes - node.dollars, node
        if slashes and not self.text.startswith(COMMENTS, start):
            return self._escaped_hash(slashes, shown)
        return self._hash(shown)

    def _slashed(self, match: re.Match[str]) -> Text:
        r"""Read `$\!x`, which is printed as `$!x`; what follows the name is lost."""
        self.pos = match.end()
        self._steps(strict=False)
        return Text(self.offset(match.start()), f"${match[1]}!{match[2]}")

    def _curly(self, start: int) -> Reference | None:
        """Read `{$y}` right after `$x`: the reference engine takes it for a reference, of a name that nothing has."""
        self.pos = start
        node = self.reference()
        if node is None:
            self.pos = start + 1
        return node

    def _lost_mark(self) -> tuple[int, None] | None:
        """Step over the `!` of a `$!` before what can start no name: the reference engine loses it."""
        following = self.peek(1)
        if self.peek() != "!" or following in ("", *"{}[$#\\"):
            return None
        if self.dialect.whole_lines and LINE_END.match(self.text, self.pos + 1):
            return None
        self.pos += 1
        return self.pos - 1, None

    def _lonely(self, start: int) -> tuple[None, None]:
        ends = ("", "!") if self.text[start] == "$" else ("",)
        if not self.dialect.lenient_marks and not self.inner and self.text[start + 1 :] in ends:
            self.fail("a template of Velocity 1.7 cannot end here", at=start)
        return None, None

    def _hash(self, shown: int) -> tuple[int | None, Node | None]:
        start = self.pos
        if self.text.startswith(COMMENTS, start):
            return self._literal_or_comment(shown)
        found = self.directive(shown)
        if found is None:
            self.pos = start + 1
            return self._lonely(start)
        return found.cut, found.node

    def _literal_or_comment(self, shown: int) -> tuple[int, Node | None]:
        start = self.pos
        if self.take("##"):
            self._line_comment()
            return start, None
        marks = TAKEN_UP.search(self.text, max(shown, start - MOST_DOLLARS), start)
        cut = marks.start() if marks else start
        if self.take("#*"):
            end = self.text.find("*#", self.pos)
            if end < 0 and not self.dialect.lenient_marks and self.pos == len(self.text):
                self.fail("a template of Velocity 1.7 cannot end here", at=start)
            self.pos = len(self.text) if end < 0 else end + 2
            return cut, None
        self.pos += 3
        end = self.text.find("]]#", self.pos)
        if end < 0:
            self.fail("the '#[[' is never closed", at=start, hint="Close it with ]]#")
        value = self.text[cut + 3 : end]
        self.pos = end + 3
        return cut, Text(self.offset(start), value)

    def _line_comment(self) -> None:
        rest = REST_OF_LINE.match(self.text, self.pos)
        self.pos = rest.end() if rest else self.pos
        ends = self.pos == len(self.text) and rest and rest.group().endswith(("#", "$"))
        if ends and not self.dialect.lenient_marks:
            self.fail("a template of Velocity 1.7 cannot end here", at=self.pos - 1)

    def _escaped_hash(self, slashes: int, shown: int) -> tuple[int | None, Node | None]:
        start = self.pos
        name, end, block_call = self.word()
        defined = self.tally.macros if self.inner else self.tally.defined
        unknown_yet = name in self.tally.macros and name not in defined
        if not slashes % 2 and (block_call or unknown_yet):
            return self._hash(shown)
        if name not in ESCAPABLE and name not in defined:
            self.pos = start + 1
            return self._lonely(start)
        kept = "\\" * (slashes // 2)
        if slashes % 2:
            self.pos = end
            return start - slashes, Text(self.offset(start), kept + self.text[start:end])
        found = self.directive(shown)
        if found is None:
            self.pos = end
            return None, None
        if name == "set":  # keeps its backslashes, as in the reference engine
            return start, found.node
        return start - slashes // 2, found.node


def parse(text: str, dialect: Dialect, limits: Limits) -> Block:
    """Parse a template.

    :raises TemplateSyntaxError: it is not Velocity, or uses a refused directive
    :raises LimitExceededError: it is too long, too deep or has too many parts
    """
    if len(text) > limits.template:
        problem = f"the template is longer than {limits.template} characters"
        raise error_at(LimitExceededError, text[: limits.template], 0, problem, LIMIT_HINT)
    wrong = UNPRINTABLE.search(text)
    if wrong:
        raise error_at(
            TemplateSyntaxError, text, wrong.start(), "a character here cannot be sent: NUL or half of a pair"
        )
    return TemplateParser(text, dialect, limits, whole=text, tally=Tally(frozenset(MACRO.findall(text)))).template()
