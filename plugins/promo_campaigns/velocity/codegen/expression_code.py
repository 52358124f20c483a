"""Code of expressions."""

from __future__ import annotations

from promo_campaigns.velocity.codegen.reference_code import ReferenceCode
from promo_campaigns.velocity.parser.tree import (
    Binary,
    Block,
    Interpolated,
    ListLiteral,
    Literal,
    MapLiteral,
    Node,
    RangeLiteral,
    Reference,
    Unary,
)

ARITHMETIC = {
    "+": "add({}, {}, m, {}, {})",
    "-": "subtract({}, {})",
    "*": "multiply({}, {})",
    "/": "divide({}, {})",
    "%": "remainder({}, {})",
}
COMPARISON = {
    "==": "equal({}, {}, m)",
    "!=": "not equal({}, {}, m)",
    "<": "less({}, {})",
    "<=": "at_most({}, {})",
    ">": "less({1}, {0})",
    ">=": "at_most({1}, {0})",
}
JUNCTIONS = {"and": "&&", "or": "||"}
NULLABLE = (Binary, Unary, RangeLiteral)
"""Operands besides references that may have no value."""


class ExpressionCode(ReferenceCode):
    """Writes what an expression computes."""

    def body(self, block: Block) -> None:
        """Write what a block prints; completed by the code of directives."""
        raise NotImplementedError

    def value(self, node: Node) -> str:
        """Write what computes an expression and return the Python expression of its value."""
        if isinstance(node, Reference):
            return self.reference_value(node)
        if isinstance(node, Literal):
            return _constant(node.value)
        if isinstance(node, Interpolated):
            return self._interpolated(node)
        if isinstance(node, Unary | Binary):
            return self._operation(node)
        return self._collection(node)

    def _collection(self, node: Node) -> str:
        if isinstance(node, ListLiteral):
            return f"[{self.operands(node.items)}]"
        if isinstance(node, RangeLiteral):
            first, last = self._kept(node.first), self.value(node.last)
            return f"span({first}, {last}, m)"
        if isinstance(node, MapLiteral):
            pairs = "".join(f"({self._kept(key)}, {self._kept(value)}), " for key, value in node.pairs)
            return f"mapping(({pairs}), m)"
        raise TypeError(node)

    def _kept(self, node: Node) -> str:
        """Return the value of a node in a form that what is computed after it cannot change."""
        if isinstance(node, Literal):
            return self.value(node)
        name = self.fresh()
        self.line(f"{name} = {self.value(node)}", node.at)
        return name

    def _interpolated(self, node: Interpolated) -> str:
        with self.sink(node.at) as name:
            self.body(node.body)
        self.line(f"fits({name}, m)")
        return name

    def _operation(self, node: Unary | Binary) -> str:
        if node.operator in ("and", "or", "not"):
            return self.condition(node)
        if isinstance(node, Unary):
            return self._negation(node)
        left, right = self._kept(node.left), self.value(node.right)
        name = self.fresh()
        form = ARITHMETIC.get(node.operator) or COMPARISON[node.operator]
        if self.dialect.converts_arguments:
            self._expect_told(node, left, right)
        sources = (self._source(node.left), self._source(node.right)) if node.operator == "+" else ()
        self.line(f"{name} = {form.format(left, right, *sources)}", node.at)
        return name

    def _negation(self, node: Unary) -> str:
        operand = self._kept(node.operand)
        if self.dialect.converts_arguments and spelling(node.operand) is None:
            self.line(f"expect_numbers({operand}, 0, True, False)", node.at)
        return f"negate({operand})"

    def _expect_told(self, node: Binary, left: str, right: str) -> None:
        """Write what ends the render where the reference engine fails to say which operand it cannot use."""
        sides = ((node.left, left), (node.right, right))
        untold = [spelling(side) is None for side, _ in sides]
        if not any(untold) or node.operator in ("==", "!="):
            return
        if node.operator not in ARITHMETIC:
            if any(isinstance(side, NULLABLE) for side, _ in sides):
                self.line(f"expect_values({left}, {right}, {untold[0]}, {untold[1]})", node.at)
            return
        check = f"expect_numbers({left}, {right}, {untold[0]}, {untold[1]})"
        if node.operator == "+":
            check = f"if type({left}) is not str and type({right}) is not str: {check}"
        self.line(check, node.at)

    def _source(self, node: Node) -> str:
        """Return what a missing side of a `+` joins to text as: its source, or nothing where that is an error."""
        if self.strict:
            return "''" if isinstance(node, Reference) and node.quiet else "None"
        if self.dialect.converts_arguments:
            return repr(spelling(node))
        return repr(node.source) if isinstance(node, Reference) else "None"

    def condition(self, node: Node) -> str:
        """Write what decides a condition and return a Python expression that Python may test for truth."""
        if isinstance(node, Unary):
            return self._unary_condition(node)
        if isinstance(node, Binary) and node.operator in ("and", "or"):
            return self._junction(node)
        if isinstance(node, Binary) and node.operator in COMPARISON:
            return self.value(node)
        if not self._counts(node):
            return "False"
        if isinstance(node, ListLiteral | MapLiteral):  # what is in it is not even looked at
            return str(bool(node.items if isinstance(node, ListLiteral) else node.pairs))
        value = self.value(node)
        if isinstance(node, Reference) and node.root in self.tools and not node.steps:
            value = f"no_tool({value})"
        return value if self.dialect.empty_is_false else f"holds({value})"

    def _unary_condition(self, node: Unary) -> str:
        operand = self.condition(node.operand)
        if node.operator != "not":  # a sign does not change what is true
            return operand
        name = self.fresh()
        self.line(f"{name} = not {operand}", node.at)
        return name

    def _counts(self, node: Node) -> bool:
        """Tell whether the value of a node decides a condition; of others the reference engine takes none for true."""
        if isinstance(node, Reference) or (isinstance(node, Literal) and type(node.value) is bool):
            return True
        return self.dialect.literals_hold and not isinstance(node, Binary | RangeLiteral)

    def _junction(self, node: Binary) -> str:
        name = self.fresh()
        self.line(f"{name} = True if {self.condition(node.left)} else False", node.at)
        with self.block(f"if {name}:" if node.operator == "and" else f"if not {name}:"):
            self.line(f"{name} = True if {self.condition(node.right)} else False")
        return name


def spelling(node: Node) -> str | None:
    """Return what the reference engine calls an operand in its messages; nothing where it fails to."""
    if isinstance(node, Reference):
        return node.source
    if isinstance(node, Interpolated) or (isinstance(node, Literal) and type(node.value) is str):
        return ""
    if isinstance(node, Unary | Binary):
        first = spelling(node.operand if isinstance(node, Unary) else node.left)
        return None if first is None else _spelt(node, first)
    return None


def _spelt(node: Unary | Binary, first: str) -> str:
    if isinstance(node, Unary):
        return ("!" if node.operator == "not" else "-") + first
    return f"{first} {JUNCTIONS.get(node.operator, node.operator)} "  # the engine leaves the right side out


def _constant(value: str | float | bool) -> str:  # noqa: FBT001  (a literal's value, not a switch)
    """Return the Python constant of a literal; a number too large for a double is infinite."""
    if isinstance(value, float) and abs(value) == float("inf"):
        return "infinity" if value > 0 else "-infinity"
    return repr(value)
