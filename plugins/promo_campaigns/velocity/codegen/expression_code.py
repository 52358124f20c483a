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
            return f"mapping(({pairs}))"
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
            return f"negate({self.value(node.operand)})"
        left, right = self._kept(node.left), self.value(node.right)
        name = self.fresh()
        form = ARITHMETIC.get(node.operator) or COMPARISON[node.operator]
        if node.operator in ARITHMETIC and self.dialect.converts_arguments:
            self._expect_numbers(node, left, right)
        sources = (self._source(node.left), self._source(node.right)) if node.operator == "+" else ()
        self.line(f"{name} = {form.format(left, right, *sources)}", node.at)
        return name

    def _expect_numbers(self, node: Binary, left: str, right: str) -> None:
        written = [not _is_told(side) for side in (node.left, node.right)]
        if not any(written):
            return
        check = f"expect_numbers({left}, {right}, {written[0]}, {written[1]})"
        if node.operator == "+":
            check = f"if type({left}) is not str and type({right}) is not str: {check}"
        self.line(check, node.at)

    def _source(self, node: Node) -> str:
        """Return what a missing side of a `+` joins to text as: its source, or nothing where that is an error."""
        if not isinstance(node, Reference):
            return "None"
        if self.strict:
            return "''" if node.quiet else "None"
        return repr(node.source)

    def condition(self, node: Node) -> str:
        """Write what decides a condition and return a Python expression that Python may test for truth."""
        if isinstance(node, Unary) and node.operator == "not":
            name = self.fresh()
            self.line(f"{name} = not {self.condition(node.operand)}", node.at)
            return name
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

    def _counts(self, node: Node) -> bool:
        """Tell whether the value of a node decides a condition; of others the reference engine takes none for true."""
        if isinstance(node, Reference) or (isinstance(node, Literal) and type(node.value) is bool):
            return True
        return self.dialect.literals_hold and not isinstance(node, Binary | Unary | RangeLiteral)

    def _junction(self, node: Binary) -> str:
        name = self.fresh()
        self.line(f"{name} = True if {self.condition(node.left)} else False", node.at)
        with self.block(f"if {name}:" if node.operator == "and" else f"if not {name}:"):
            self.line(f"{name} = True if {self.condition(node.right)} else False")
        return name


def _is_told(node: Node) -> bool:
    """Tell whether the reference engine has a name for an operand that is no number: a reference or text."""
    if isinstance(node, Unary):
        return _is_told(node.operand)
    if isinstance(node, Binary) and node.operator in ARITHMETIC:  # of nothing comes nothing
        return _is_told(node.left) or _is_told(node.right)
    return isinstance(node, Reference | Interpolated) or (isinstance(node, Literal) and type(node.value) is str)


def _constant(value: str | float | bool) -> str:  # noqa: FBT001  (a literal's value, not a switch)
    """Return the Python constant of a literal; a number too large for a double is infinite."""
    if isinstance(value, float) and abs(value) == float("inf"):
        return "infinity" if value > 0 else "-infinity"
    return repr(value)
