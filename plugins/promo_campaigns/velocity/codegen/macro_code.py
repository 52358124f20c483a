"""Code of macros and blocks: Python functions inside the render function, on the variables of the render."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import TemplateSyntaxError
from promo_campaigns.velocity.codegen.directive_code import DirectiveCode, weight
from promo_campaigns.velocity.parser.tree import (
    Assign,
    Break,
    Call,
    Define,
    Loop,
    Macro,
    MacroCall,
    Property,
    Reference,
    Stop,
    Word,
)
from promo_campaigns.velocity.parser.walk import children, every
from promo_campaigns.velocity.place import error_at
from promo_campaigns.velocity.values.method_table import MUTATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.velocity.dialect import Dialect
    from promo_campaigns.velocity.limits import Limits
    from promo_campaigns.velocity.parser.tree import Block, Node
    from promo_campaigns.velocity.positions.position import Position

CONTENT = "bodyContent"
DEFINE_DEPTH = 2
NOTHING = "None"


def macros_of(tree: Block) -> dict[str, Macro]:
    """Return the macros of a template; of two with the same name the one that is complete first counts."""
    found: dict[str, Macro] = {}
    waiting: list[tuple[Node, bool]] = [(tree, False)]
    while waiting:
        node, complete = waiting.pop()
        if not complete:
            waiting.append((node, True))
            waiting += [(child, False) for child in reversed(list(children(node)))]
        elif isinstance(node, Macro):
            found.setdefault(node.name, node)
    return found


class MacroCode(DirectiveCode):
    """Writes the code of a whole template.

    :param text: the template, for error messages
    :param strict: a missing value may never show the template's text
    """

    def __init__(  # noqa: PLR0913  (all that code is generated from)
        self,
        text: str,
        tree: Block,
        dialect: Dialect,
        limits: Limits,
        positions: dict[Node, Position],
        *,
        strict: bool,
    ) -> None:
        super().__init__(dialect, limits, positions)
        self._text = text
        self._macros = macros_of(tree)
        self._names = {macro: f"k{number}" for number, macro in enumerate(self._macros.values())}
        self.functions: list[tuple[list[str], list[int]]] = []
        self.stops = _stops_inside(tree)
        self.mutates = _changes_data(tree)
        self.strict = strict
        if dialect.arguments_by_name:
            parameters = [parameter.name for macro in self._macros.values() for parameter in macro.parameters]
            self.echoes = {name: f"e{number}" for number, name in enumerate(dict.fromkeys(parameters))}

    def write(self, tree: Block) -> str:
        """Write a template and return the variable that holds what it prints."""
        with self.frame(tree.at, "return {}"):
            self.body(tree)
            result = self.printed()
        for macro in self._macros.values():
            self._macro(macro)
        return result

    @contextmanager
    def frame(self, at: int, ending: str = "raise stopped({}) from None") -> Iterator[str]:
        """Write the body of a function; a `#stop` in what it calls ends it with what was printed so far."""
        if not self.stops:
            with self.sink(at) as name:
                yield name
            return
        name = self.fresh("o")
        self.line(f"{name} = ''", at)
        with self.block("try:"), self.sink(at, name):
            yield name
        with self.block("except stopped as signal:"):
            self.line(ending.format(f"{name} + signal.text"))

    @contextmanager
    def _function(self, head: str, body: Block) -> Iterator[None]:
        """Write a function of its own; the caller writes its first and last lines inside."""
        kept = self.lines, self.offsets, self._indent, self._loops, self._states, self._sinks, self._pieces
        self.lines, self.offsets, self._indent, self._loops = [], [], 0, 0
        self._states, self._sinks, self._pieces = [], [], []
        with self.block(head, body.at):
            self.line("nonlocal_names")
            yield
        self.functions.append((self.lines, self.offsets))
        self.lines, self.offsets, self._indent, self._loops, self._states, self._sinks, self._pieces = kept

    def _macro(self, macro: Macro) -> None:
        arguments = [f"a{number}" for number, _ in enumerate(macro.parameters)]
        slots = [self.slot(parameter.name) for parameter in macro.parameters]
        content = self.slot(CONTENT)
        with self._function(f"def {self._names[macro]}(x, {', '.join([*arguments, '*more'])}):", macro.body):
            self.line(f"m.enter({weight(macro.body)})")
            kept = [self.fresh() for _ in slots]
            for slot, argument, old in zip(slots, arguments, kept, strict=True):
                self.line(f"{old} = {slot}; {slot} = {argument}")
            before = self.fresh()
            inherited = before if self.dialect.content_reaches else NOTHING
            self.line(f"{before} = {content}; {content} = {inherited} if x is None else x")
            result = self._function_body(macro.body)
            self.line(f"if {content} is x: {content} = {before}")
            # A parameter that was set inside keeps what it was set to, as in the reference engine.
            for slot, argument, old in zip(slots, arguments, kept, strict=True):
                self.line(f"if {slot} is {argument} or same({slot}, {argument}, m): {slot} = {old}")
            self.line("m.depth -= 1")
            self.line(f"return {result}")

    def _function_body(self, body: Block) -> str:
        with self.frame(body.at):
            if _breaks(body):
                with self.block("while True:"):
                    self._loops += 1
                    self.body(body)
                    self.line("break")
            else:
                self.body(body)
            result = self.printed()
            self.check_size()
        return result

    def call(self, node: Node) -> None:
        """Write a macro's call or the definition of a block."""
        if isinstance(node, Define):
            self.line(f"{self.slot(node.name)} = {self._block(node.body, DEFINE_DEPTH)}", node.at)
        elif isinstance(node, MacroCall):
            self._macro_call(node)

    def _macro_call(self, node: MacroCall) -> None:
        macro = self._macros.get(node.name)
        if macro is None:
            self.print_text(node.source)
            return
        if any(isinstance(argument, Word) for argument in node.arguments):
            raise error_at(TemplateSyntaxError, self._text, node.at, "an argument of this macro is a bare word")
        self.flush()
        content = NOTHING if node.content is None else self._block(node.content, self.limits.macro_depth)
        wanted = node.arguments[: len(macro.parameters)]  # of more of them no value is asked
        arguments = [self._kept(argument) for argument in wanted]
        arguments += [self._default(parameter.default) for parameter in macro.parameters[len(arguments) :]]
        name = self.fresh()
        with self._echoed(node, macro):
            self.line(f"{name} = {self._names[macro]}({', '.join([content, *arguments])})", node.at)
        self.print_name(name)

    @contextmanager
    def _echoed(self, node: MacroCall, macro: Macro) -> Iterator[None]:
        """In 1.7 a parameter without a value prints what was written as its argument."""
        kept = []
        for number, parameter in enumerate(macro.parameters):
            echo = self.echoes.get(parameter.name)
            if echo is not None:
                argument = node.arguments[number] if number < len(node.arguments) else None
                name = self.fresh()
                kept.append(f"{echo} = {name}")
                self.line(f"{name} = {echo}; {echo} = {argument.source if isinstance(argument, Reference) else None!r}")
        yield
        for line in kept:
            self.line(line)

    def _default(self, node: Node | None) -> str:
        return NOTHING if node is None else self._kept(node)

    def _block(self, body: Block, depth: int) -> str:
        name = self.fresh("f")
        with self._function(f"def {name}():", body):
            self.line(f"m.spend({weight(body)})")
            result = self._function_body(body)
            self.line(f"return {result}")
        return f"rendered({name}, {depth})"


def _breaks(block: Block) -> bool:
    """Tell whether a `#break` in a block leaves the block itself, not a loop inside it."""
    waiting: list[Node] = [block]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Break):
            return True
        waiting.extend(child for child in children(node) if not isinstance(child, Loop | Macro | Define | MacroCall))
    return False


def _stops_inside(tree: Block) -> bool:
    """Tell whether a `#stop` stands in a macro or block, where it has to end the functions that called it too."""
    holders = (node for node in every(tree) if isinstance(node, Macro | Define | MacroCall))
    return any(isinstance(inner, Stop) for holder in holders for inner in every(holder))


def _changes_data(tree: Block) -> bool:
    """Tell whether a template can change a list or map, so that it has to work on a copy."""
    for node in every(tree):
        if isinstance(node, Assign) and node.target.steps:
            return True
        if isinstance(node, Reference) and any(
            isinstance(step, Call | Property) and step.name in MUTATORS for step in node.steps
        ):
            return True
    return False
