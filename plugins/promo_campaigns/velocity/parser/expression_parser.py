"""Expressions: what stands inside the brackets of `#if`, `#set` and calls."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING

from promo_campaigns.velocity.parser.reference_parser import INDEX, ReferenceParser
from promo_campaigns.velocity.parser.tree import (
    Binary,
    Interpolated,
    ListLiteral,
    Literal,
    MapLiteral,
    RangeLiteral,
    Reference,
    Text,
    Unary,
)

if TYPE_CHECKING:
    from promo_campaigns.velocity.parser.tree import Block, Node

NUMBER = re.compile(r"-?(?:\d+\.(?!\.)\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+)", re.ASCII)
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VALUES = "A value is a $reference, 'text', a number, true, false, [..] or {..}"
ESCAPE = re.compile(r"\\u(.{0,4})", re.DOTALL)
CODE = re.compile(r"(?!0000)[0-9a-fA-F]{4}")
STRAIGHT = "Write straight quotes: 'text'"
CURLY_QUOTES = ("\u2018", "\u2019", "\u201c", "\u201d", "\u00b4", "`")
# Symbols and words of each level, loosest first: the order is the grammar of the language.
LEVELS: tuple[dict[str, str], ...] = (
    {"||": "or", "or": "or"},
    {"&&": "and", "and": "and"},
    {"==": "==", "!=": "!=", "eq": "==", "ne": "!="},
    {"<=": "<=", ">=": ">=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "lt": "<", "gt": ">"},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)


class ExpressionParser(ReferenceParser):
    """Reads expressions by recursive descent."""

    @abstractmethod
    def inner_template(self, text: str, base: int) -> Block:
        """Parse the text of a `"..."` literal."""

    def expression(self) -> Node:
        """Read an expression of any kind."""
        self.enter()
        found = self._level(0)
        self.leave()
        return found

    def argument(self) -> Node:
        """Read an argument: an expression in 2.x, a value in 1.7; neither starts with a bracket."""
        return self.expression() if self.dialect.arithmetic_arguments and self.peek() != "(" else self.element()

    def element(self) -> Node:
        """Read an element of a list or map: a value that is no calculation."""
        if self.peek() == "(":
            self.fail("a bracket cannot stand here", hint="Calculate it with #set first")
        return self.primary()

    def primary(self) -> Node:
        """Read a value without operators."""
        self.enter()
        found = self._primary()
        self.leave()
        return found

    def _level(self, level: int) -> Node:
        if level == len(LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while operator := self._operator(LEVELS[level]):
            at = self.offset()
            left = Binary(at, operator, left, self._level(level + 1))
        return left

    def _operator(self, operators: dict[str, str]) -> str:
        before = self.pos
        self.space()
        start = self.pos
        word = WORD.match(self.text, self.pos)
        if word and word.group() in operators:
            self.pos = word.end()
        elif NUMBER.match(self.text, self.pos) or not self._symbol(operators):
            # A minus right before a digit belongs to the number, as in the reference grammar: 1-1 is no expression.
            self.pos = before
            return ""
        found = operators[self.text[start : self.pos]]
        self.space()
        return found

    def _symbol(self, operators: dict[str, str]) -> bool:
        return any(self.take(symbol) for symbol in operators if not symbol.isalpha())

    def _unary(self) -> Node:
        word = WORD.match(self.text, self.pos)
        if self.peek() == "!" or (word and word.group() == "not"):
            return self._prefixed("not", 1 if self.peek() == "!" else len("not"))
        if self.dialect.negation and self.peek() == "-" and not NUMBER.match(self.text, self.pos):
            return self._prefixed("-", 1)
        return self._primary()

    def _prefixed(self, operator: str, width: int) -> Node:
        at = self.offset()
        self.enter()
        self.pos += width
        self.space()
        operand = self._unary() if operator == "not" else self._primary()
        self.leave()
        return Unary(at, operator, operand)

    def _primary(self) -> Node:
        start = self.peek()
        if start == "$":
            return self._value_reference()
        if start in ("'", '"'):
            return self._string(start)
        if start and ((self.inside and start == "(") or (self.inside == INDEX and start in "[{")):
            self.fail(f"{start!r} cannot stand in {self.inside}", hint="Calculate it with #set first")
        if start == "[":
            return self._list()
        if start == "{":
            return self._map()
        if start == "(":
            self.pos += 1
            self.space()
            found = self.expression()
            self.space()
            self.expect(")", "at the end of the bracket")
            return found
        return self._number_or_boolean()

    def _value_reference(self) -> Node:
        start = self.pos
        found = self.reference() or self.fail("a name is expected after '$'")
        if found.root.startswith("$"):
            self.fail("'${$' is no value", at=start, hint="Write ${name}")
        return found

    def _number_or_boolean(self) -> Node:
        at = self.pos
        number = NUMBER.match(self.text, at)
        if number:
            self.pos = number.end()
            digits = number.group()
            if len(digits) > self.limits.digits:
                self.refuse(f"a number has more than {self.limits.digits} digits", at=at)
            value = int(digits) if digits.lstrip("-").isdecimal() else float(digits)
            if self.inside == INDEX and type(value) is float and not self.sets:
                self.fail("an index is a whole number", at=at)
            return Literal(self.offset(at), value)
        word = WORD.match(self.text, at)
        if word and word.group() in ("true", "false"):
            self.pos = word.end()
            return Literal(self.offset(at), word.group() == "true")
        return self.fail("a value is expected here", hint=STRAIGHT if self.peek() in CURLY_QUOTES else VALUES)

    def _string(self, quote: str) -> Node:
        start = self.pos
        pos = start + 1
        while True:
            end = self.text.find(quote, pos)
            if end < 0:
                self.fail(f"the text that starts with {quote} is never closed", at=start)
            if not self.text.startswith(quote, end + 1):
                break
            pos = end + 2
        self.pos = end + 1
        raw = self.text[start + 1 : end]
        value = raw.replace(quote * 2, quote)
        if quote == '"':
            value = ESCAPE.sub(self._escaped, value)
        at = self.offset(start)
        if quote == "'" or not ("$" in value or "#" in value):
            return Literal(at, value)
        return self._interpolated(value, at, at + 1 if len(value) == len(raw) else at)

    def _escaped(self, match: re.Match[str]) -> str:
        if not CODE.fullmatch(match[1]):
            self.fail("a \\u in a text needs four digits", hint="Write '...' around a text that holds a \\u itself")
        return chr(int(match[1], 16))

    def _interpolated(self, value: str, at: int, base: int) -> Node:
        self.enter()
        body = self.inner_template(value, base)
        self.leave()
        if all(isinstance(node, Text) for node in body.nodes):
            return Literal(at, "".join(node.value for node in body.nodes if isinstance(node, Text)))
        return Interpolated(at, body)

    def _list(self) -> Node:
        at = self.offset()
        start = self.pos
        self.pos += 1
        items: list[Node] = []
        while not self.take("]"):
            self.space()
            if not self.peek():
                self.fail("the '[' is never closed", at=start)
            if items:
                self.expect(",", "between elements")
                self.space()
            items.append(self.element())
            self.space()
            if len(items) == 1 and self.take(".."):
                return self._range(at, items[0])
        return ListLiteral(at, tuple(items))

    def _range(self, at: int, first: Node) -> Node:
        self.space()
        last = self.element()
        self.space()
        self.expect("]", "at the end of the range")
        for end in (first, last):
            if not (isinstance(end, Reference) or (isinstance(end, Literal) and type(end.value) is int)):
                self.fail("a range goes from a whole number or $reference to another")
        return RangeLiteral(at, first, last)

    def _map(self) -> Node:
        at = self.offset()
        start = self.pos
        self.pos += 1
        self.space()
        pairs: list[tuple[Node, Node]] = []
        while not self.take("}"):
            if not self.peek():
                self.fail("the '{' is never closed", at=start)
            if pairs:
                self.expect(",", "between pairs")
                self.space()
            key = self.element()
            self.space()
            self.expect(":", "between key and value")
            self.space()
            pairs.append((key, self.element()))
            self.space()
        return MapLiteral(at, tuple(pairs))
