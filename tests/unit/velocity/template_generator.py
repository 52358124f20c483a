"""Templates drawn from the whole grammar of the language by a seed, for comparing with Apache Velocity itself.

Wider than `velocity_grammar`, and without Hypothesis: the same seed draws the same templates on every machine.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTEXT: dict[str, object] = {
    "name": "Anna",
    "s": "Hello World",
    "blank": "",
    "word": "12",
    "n": 7,
    "zero": 0,
    "neg": -3,
    "d": 2.5,
    "big": 4_000_000_000,
    "t": True,
    "f": False,
    "nul": None,
    "list": ["x", "y", "z"],
    "nums": [1, 2, 3],
    "mix": [1, "a", None, 2.5, True, [4]],
    "e": [],
    "map": {"b": 2, "a": 1, "k": "v"},
    "data": {"first name": "Zoë", "price": 19.9, "tags": ["new", "vip"], "code": "A-1", "in": {"deep": [{"k": 5}]}},
}
NAMES = (*CONTEXT, "foo", "bar", "x", "y", "i", "j", "p", "q")
TEXT_METHODS = ("length()", "substring(1)", "toUpperCase()", "trim()", "isEmpty()", "indexOf('o')", "replace('l', 'L')")
LIST_METHODS = ("size()", "get(0)", "isEmpty()", "contains('x')", "indexOf('y')", "subList(0, 1)")
MAP_METHODS = ("size()", "get('a')", "keySet()", "values()", "entrySet()", "containsKey('k')", "get('tags').size()")
ANY_METHODS = ("toString()", "equals('Anna')", "nosuch()", "nosuch(1, 'a')", "hashCode()")
PROPERTIES = ("a", "k", "zz", "code", "price", "tags", "empty", "in.deep", "b", "first")
WORDS = (
    "a",
    "Hello",
    "x y",
    ".",
    ",",
    "!",
    "-",
    "(",
    ")",
    "5",
    "é",
    ":",
    ";",
    "=",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    "|",
    "*",
)
ODD: tuple[str, ...] = (
    "$5.00",
    "$ x",
    "# x",
    "#1",
    "#ff0",
    "$$name",
    "$",
    "#",
    "$.",
    "$-",
    "##",
    "$!",
    "$!5",
    "$(",
    "#(",
    "\\",
    "\\\\",
    "@",
    "€",
)
ODD += ("$name.", "$name..", "$name.length", "$name-x", "$name!", "${name}x", "$foo.bar", "$!foo.bar", "#$n", "(#${n})")
ODD += (
    "\\$name",
    "\\\\$name",
    "\\\\\\$name",
    "\\$foo",
    "\\\\$foo",
    "\\$!name",
    "\\$!{foo}",
    "\\#if",
    "\\#foo",
    "\\\\#if(true)i#end",
)
ODD += (
    "$name$n",
    "$n$foo",
    "#[[ $name #if ]]#",
    "#* c #if *#",
    "#** doc *#",
    "## c\n",
    "##\n",
    "#nomacro",
    "#nomacro($n)",
)
BLANKS = ("", " ", "  ", "\t", "\n", "\n\n", " \n", "\n  ", "\r\n", "  \n  ")
LOOP_STATE = (
    "count",
    "index",
    "hasNext",
    "first",
    "last",
    "parent.count",
    "parent.index",
    "topmost.count",
    "parent.parent",
)
OPERATORS = ("+", "-", "*", "/", "%")
TESTS = ("==", "!=", "<", ">", "<=", ">=", "eq", "ne", "lt", "gt", "le", "ge")
JUNCTIONS = ("&&", "||", "and", "or")


class TemplateGenerator:
    """Draws templates.

    :param seed: what all of them follow from
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  (no secret)
        self._macros: list[tuple[str, int]] = []
        self._loops = 0

    def template(self) -> str:
        """Return one more template."""
        self._macros = []
        self._loops = 0
        head = self._some(self._macro, 2) if self._chance(0.35) else ""
        return head + self._body(3)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _pick(self, values: Sequence[str]) -> str:
        return self._random.choice(values)

    def _one(self, *makers: Callable[[], str]) -> str:
        return self._random.choice(makers)()

    def _some(self, maker: Callable[[], str], most: int, between: str = "", least: int = 0) -> str:
        return between.join(maker() for _ in range(self._random.randint(least, most)))

    # Text and references

    def _text(self) -> str:
        return self._pick(self._random.choices((WORDS, BLANKS, ODD), (5, 4, 3))[0])

    def _name(self) -> str:
        return self._pick(NAMES)

    def _reference(self, depth: int = 1) -> str:
        name = "foreach" if self._loops and self._chance(0.15) else self._name()
        steps = f".{self._pick(LOOP_STATE)}" if name == "foreach" else self._some(lambda: self._step(depth), 2)
        if self._chance(0.4):
            steps = ""
        other = f"|{self._value(0)}" if self._chance(0.1) else ""
        return self._pick(
            (f"${name}{steps}", f"$!{name}{steps}", f"${{{name}{steps}{other}}}", f"$!{{{name}{steps}{other}}}")
        )

    def _step(self, depth: int) -> str:
        known = self._pick(self._random.choice((TEXT_METHODS, LIST_METHODS, MAP_METHODS, ANY_METHODS, PROPERTIES)))
        if depth and self._chance(0.3):
            inner = self._value(depth - 1)
            return self._pick((f"[{inner}]", f".get({inner})", f".contains({inner})", f".concat({inner})"))
        return self._pick((f".{known}", f".{known}", "[0]", "['a']", "[-1]", "[ 1 ]", "[$zero]"))

    # Expressions

    def _number(self) -> str:
        return self._pick(
            ("0", "1", "2", "10", "-4", "1.5", "0.1", "-2.0", ".5", "3.", "1e3", "2147483647", "9999999999")
        )

    def _string(self) -> str:
        inside = ("a", "7", " ", "''", "$name", "\\n", "\\u00e9", "#", "$", "it")
        doubled = (
            *inside[:3],
            '""',
            "$name",
            "$!foo",
            "${n}",
            "$foo",
            "\\",
            "\\u00e9",
            "#if($t)y#end",
            "$map.k",
            "'",
            "# ",
        )
        if self._chance(0.5):
            return f"'{self._some(lambda: self._pick(inside), 3)}'"
        return f'"{self._some(lambda: self._pick(doubled), 3)}"'

    def _list(self, depth: int) -> str:
        gap = self._pick(("", " ", " , ", "\n")) if self._chance(0.2) else ""
        return f"[{gap}{self._some(lambda: self._value(depth), 3, self._pick((', ', ',', ' ,')))}]"

    def _map(self, depth: int) -> str:
        def pair() -> str:
            key = self._one(self._string, self._number, lambda: self._reference(0))
            return f"{key}{self._pick((':', ' : ', ': '))}{self._value(depth)}"

        return f"{{{self._some(pair, 2, self._pick((', ', ',')))}}}"

    def _range(self) -> str:
        end = ("1", "3", "-2", "0", "$n", "$zero", "$foo", "$word", "$d", "$neg", "$name")
        return (
            f"[{self._pick(end[:5] if self._chance(0.7) else end)}{self._pick(('..', '..', ' .. '))}{self._pick(end)}]"
        )

    def _value(self, depth: int = 1) -> str:
        makers: list[Callable[[], str]] = [self._number, self._string, lambda: self._reference(min(depth, 1))] * 3
        makers += [lambda: self._pick(("true", "false")), self._range]
        if depth:
            makers += [lambda: self._list(depth - 1), lambda: self._map(depth - 1)]
        return self._one(*makers)

    def _expression(self, depth: int = 2) -> str:
        if not depth or self._chance(0.35):
            return self._value()
        gap = " " if self._chance(0.85) else self._pick(("", "  ", "\n"))
        signs = self._random.choices((OPERATORS, TESTS, JUNCTIONS), (5, 3, 2))[0]
        gap = gap or (" " if signs[0].isalpha() else gap)
        left, right = self._expression(depth - 1), self._expression(depth - 1)
        return self._random.choices(
            (
                f"{left}{gap}{self._pick(signs)}{gap}{right}",
                f"({left})",
                f"!{left}",
                f"not {left}",
                f"-{left}",
                f"( {left} {self._pick(signs)} {right} )",
            ),
            (8, 2, 1, 1, 0.5, 2),
        )[0]

    # Directives

    def _body(self, depth: int, least: int = 0) -> str:
        def part() -> str:
            if self._chance(0.4):
                return self._text()
            if self._chance(0.45) or not depth:
                return self._one(self._reference, self._reference, self._set)
            return self._directive(depth - 1)

        return self._some(part, 5 if depth > 1 else 3, least=least)

    def _head(self, word: str) -> str:
        return f"#{{{word}}}" if self._chance(0.12) else f"#{word}"

    def _gap(self) -> str:
        return self._pick(BLANKS) if self._chance(0.5) else ""

    def _end(self) -> str:
        return self._gap() + self._head("end") + self._gap()

    def _directive(self, depth: int) -> str:
        makers: list[Callable[[int], str]] = [
            self._if,
            self._if,
            self._foreach,
            self._foreach,
            self._loose,
            self._define,
        ]
        if self._macros:
            makers += [self._call, self._call, self._block_call]
        if self._chance(0.08):
            makers += [lambda _depth: self._macro()]
        return self._gap() + self._random.choice(makers)(depth)

    def _set(self) -> str:
        target = self._pick(
            ("$x", "$y", "$x", "$!x", "${x}", "$map.k", "$map['a']", "$nums[0]", "$data.in.z", "$n", "$foo.bar")
        )
        equals = self._pick((" = ", "=", " =", "= ", "\n= ")) if self._chance(0.3) else " = "
        word = self._pick(("#set(", "#set( ", "#set (", "#{set}("))
        return f"{self._gap()}{word}{target}{equals}{self._expression()}{self._pick((')', ' )'))}{self._gap()}"

    def _if(self, depth: int) -> str:
        found = (
            f"{self._head('if')}{self._pick(('(', ' (', '( '))}{self._expression(1)}){self._gap()}{self._body(depth)}"
        )
        for _ in range(self._random.choice((0, 0, 0, 1, 2))):
            found += f"{self._gap()}{self._head('elseif')}({self._expression(1)}){self._gap()}{self._body(depth)}"
        if self._chance(0.4):
            word = self._pick(("#else", "#{else}", "#{else}"))
            found += f"{self._gap()}{word}{self._gap()}{self._body(depth)}"
        return found + self._end()

    def _foreach(self, depth: int) -> str:
        source = self._one(
            self._range,
            lambda: self._list(1),
            lambda: self._reference(1),
            lambda: self._pick(
                ("$list", "$nums", "$map", "$mix", "$data.tags", "$map.keySet()", "$map.entrySet()", "$e", "[1..3]")
            ),
            lambda: self._pick(("$list", "$nums", "[1..2]", "['a', 'b']", "$map.values()")),
        )
        head = f"{self._head('foreach')}{self._pick(('(', '( ', ' ('))}"
        found = f"{head}${self._pick(('i', 'j', 'x'))} in {source}){self._gap()}"
        self._loops += 1
        found += self._body(depth, 1)
        if self._chance(0.25):
            found += self._leave(depth)
        self._loops -= 1
        if self._chance(0.15):
            found += f"{self._gap()}{self._pick(('#else', '#{else}'))}{self._gap()}{self._body(depth)}"
        return found + self._end()

    def _leave(self, depth: int) -> str:
        scope = self._pick(("", "", "", "($foreach)", "($foreach.parent)" if self._loops > 1 else ""))
        leave = f"{self._head('break')}{scope}" if self._chance(0.85) else self._head("stop")
        after = "" if self._chance(0.9) else self._body(depth)
        return f"#if({self._expression(1)}){self._gap()}{leave}{self._gap()}{after}#end{self._text()}"

    def _loose(self, depth: int) -> str:
        """Return a `#break` or `#stop` that may stand outside of any loop, or a comment between directives."""
        return (
            self._pick(("#break", "#stop", "#{stop}"))
            if self._chance(0.2)
            else self._pick(("## c\n", "#* c *#", "#*\n*#\n")) + self._body(depth)
        )

    def _define(self, depth: int) -> str:
        return f"{self._head('define')}($x){self._gap()}{self._body(depth)}{self._end()}"

    def _macro(self) -> str:
        name = self._pick(("m", "mm", "box", "m_1"))
        count = self._random.randint(0, 3)
        parameters = [f"${letter}" for letter in ("p", "q", "x")[:count]]
        if parameters and self._chance(0.3):
            parameters[-1] += self._pick((" = ", "=")) + self._value(0)
        gap = self._pick((" ", " ", ", ", "\n", " ## c\n"))
        listed = "".join(gap + one for one in parameters)
        head = f"{self._head('macro')}({self._pick(('', ' '))}{name}{listed}{self._pick(('', ' '))})"
        body = self._body(2) + self._pick(("", "$!bodyContent", "[$bodyContent]", "$p", "$!q"))
        self._macros.append((name, count))
        return f"{head}{self._gap()}{body}{self._end()}"

    def _arguments(self, count: int) -> str:
        given = count if self._chance(0.75) else self._random.randint(0, 4)
        return self._pick((" ", ", ", " ", "\n")).join(self._value() for _ in range(given))

    def _call(self, _depth: int) -> str:
        name, count = self._random.choice(self._macros)
        if self._chance(0.08):
            return self._head(name) + self._gap()
        return f"{self._head(name)}{self._pick(('(', '( ', ' ('))}{self._arguments(count)}){self._gap()}"

    def _block_call(self, depth: int) -> str:
        name, count = self._random.choice(self._macros)
        word = f"#{{@{name}}}" if self._chance(0.2) else f"#@{name}"
        brackets = f"({self._arguments(count)})" if self._chance(0.85) else ""
        return f"{word}{brackets}{self._gap()}{self._body(depth)}{self._end()}"
