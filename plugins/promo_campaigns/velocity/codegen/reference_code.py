"""Code of references: what they read, and how their value is printed where they stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from promo_campaigns.velocity.codegen.code_writer import CodeWriter
from promo_campaigns.velocity.parser.tree import Call, Literal, Property
from promo_campaigns.velocity.tools.names import NAMES
from promo_campaigns.velocity.values import map_methods

if TYPE_CHECKING:
    from promo_campaigns.velocity.dialect import Dialect
    from promo_campaigns.velocity.limits import Limits
    from promo_campaigns.velocity.parser.tree import Index, Node, Reference, Step
    from promo_campaigns.velocity.positions.position import Position


# Methods of a map that 2.x also reads as properties; a key of that name comes first here.
BARE = frozenset(name for name, forms in map_methods.METHODS.items() if any(not form.signature for form in forms))


class ReferenceCode(CodeWriter, ABC):
    """Writes what a reference does.

    :param positions: how the value of each printed reference is escaped
    """

    def __init__(self, dialect: Dialect, limits: Limits, positions: dict[Node, Position]) -> None:
        super().__init__()
        self.dialect = dialect
        self.limits = limits
        self.positions = positions
        self.slots: dict[str, str] = {}
        self.mutates = False
        self.stops = False
        self.strict = False
        self.echoes: dict[str, str] = {}
        self.tools = frozenset(NAMES if dialect.tools else ())

    @abstractmethod
    def value(self, node: Node) -> str:
        """Write what computes an expression and return the Python expression of its value."""

    def slot(self, name: str) -> str:
        """Return the Python variable of a template variable."""
        return self.slots.setdefault(name, f"v{len(self.slots)}")

    def reference_value(self, node: Reference) -> str:
        """Write the steps of a reference and return the name or expression of its value."""
        current = self.slot(node.root)
        for step in node.steps:
            name = self.fresh()
            if isinstance(step, Call) and not all(isinstance(argument, Literal) for argument in step.arguments):
                # The arguments of a call on nothing are not even looked at.
                self.line(f"{name} = None", step.at)
                with self.block(f"if {current} is not None:"):
                    self.line(f"{name} = {self._step(current, step)}", step.at)
            else:
                self.line(f"{name} = {self._step(current, step)}", step.at)
            current = name
        if node.alternative is None:
            return current
        name = self.fresh()
        self.line(f"{name} = {current}", node.at)
        with self.block(f"if not {name}:" if self.dialect.empty_is_false else f"if {name} is None:"):
            self.line(f"{name} = {self.value(node.alternative)}")
        return name

    def _step(self, current: str, step: Step) -> str:
        if isinstance(step, Property):
            if step.name in BARE:
                return f"prop({current}, {step.name!r}, m)"
            return f"{current}.get({step.name!r}) if type({current}) is dict else prop({current}, {step.name!r}, m)"
        if isinstance(step, Call):
            return self._call(current, step)
        return self._index(current, step)

    def _call(self, current: str, step: Call) -> str:
        if step.name == "get" and len(step.arguments) == 1 and _is_text(step.arguments[0]):
            key = self.value(step.arguments[0])
            return f"{current}.get({key}) if type({current}) is dict else call({current}, 'get', ({key},), m)"
        arguments = self.operands(step.arguments)
        return f"call({current}, {step.name!r}, ({arguments}), m)"

    def operands(self, nodes: tuple[Node, ...]) -> str:
        """Write what computes several expressions; return them with a comma after each."""
        return "".join(f"{self.value(node)}, " for node in nodes)

    def _index(self, current: str, step: Index) -> str:
        key = self.value(step.key)
        if _is_text(step.key):
            return f"{current}.get({key}) if type({current}) is dict else item({current}, {key}, m)"
        return f"item({current}, {key}, m)"

    def print_reference(self, node: Reference) -> None:
        """Write what prints a reference."""
        if self.stops:
            self.flush()
        name = self.reference_value(node)
        if not node.steps:
            value, name = name, self.fresh()
            self.line(f"{name} = {value}", node.at)
        if node.root in self.tools and not node.backslashes:
            self._of_tool(node, name)
        if node.backslashes and self.strict:
            self._escaped_in_json(node, name)
        elif node.backslashes:
            self._escaped(node, name)
        else:
            self.positions[node].convert(self, name, self._missing(node), quiet=node.quiet)
        self.print_name(name)

    def _of_tool(self, node: Reference, name: str) -> None:
        """Write what keeps a tool, and the source of what it has no value for, out of the text."""
        if not node.steps:
            self.line(f"{name} = no_tool({name})", node.at)
        if not node.quiet:
            self.line(f"if {name} is None: no_value({node.source!r})", node.at)

    def _escaped_in_json(self, node: Reference, name: str) -> None:
        """Write the same for a body: pairs of backslashes are JSON's own escapes and stay."""
        pairs = "\\" * (node.backslashes // 2 * 2) + "$" * node.dollars
        if node.backslashes % 2:
            self.line(f"{name} = {pairs + node.source!r}")
            return
        self.positions[node].convert(self, name, self._missing(node), quiet=node.quiet)
        self.line(f"{name} = {pairs!r} + {name}")

    def _missing(self, node: Reference) -> str:
        if node.quiet:
            return "''"
        echo = None if node.steps else self.echoes.get(node.root)
        return f"{echo} or {node.source!r}" if echo else repr(node.source)

    def _escaped(self, node: Reference, name: str) -> None:
        """Write what backslashes before a reference do: an odd number prints its source instead of its value."""
        half = "\\" * (node.backslashes // 2)
        if node.backslashes % 2:
            self.line(f"{name} = {half + node.source!r} if {name} is not None else {half + chr(92) + node.source!r}")
            return
        before = half + "$" * node.dollars
        missing = "\\" * node.backslashes + "$" * node.dollars + ("" if node.quiet else node.source)
        with self.block(f"if {name} is None:"):
            self.line(f"{name} = {missing!r}")
        with self.block("else:"):
            self.positions[node].convert(self, name, "''", quiet=True)
            self.line(f"{name} = {before!r} + {name}")


def _is_text(node: Node) -> bool:
    return isinstance(node, Literal) and type(node.value) is str
