"""What a template says, as a tree.

Every node keeps the character offset it starts at, so that an error can name its place.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Any part of a template.

    :param at: character offset in the template text
    """

    at: int


@dataclass(frozen=True, slots=True, eq=False)
class Text(Node):
    """Characters printed as they are."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A number, a boolean or text that is not interpolated."""

    value: str | float | bool


@dataclass(frozen=True, slots=True, eq=False)
class Interpolated(Node):
    """A `"..."` literal that holds references or directives."""

    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class ListLiteral(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RangeLiteral(Node):
    """`[a..b]`."""

    first: Node
    last: Node


@dataclass(frozen=True, slots=True, eq=False)
class MapLiteral(Node):
    """`{k: v}`."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """`!x` (operator `not`) or `-x` (operator `-`)."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """Two operands and an operator, spelt as its symbol: `and or == != < <= > >= + - * / %`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Property(Node):
    """`.name`."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """`.name(arguments)`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """`[key]`."""

    key: Node


Step = Property | Call | Index


@dataclass(frozen=True, slots=True, eq=False)
class Reference(Node):
    """`$root.step...`, in any of its forms.

    :param source: its text, without the backslashes before it
    :param quiet: written `$!`: prints nothing when it has no value
    :param backslashes: how many stand right before it, or before the `dollars` there
    :param dollars: how many more `$` stand between the backslashes and it
    :param alternative: what `${x|alternative}` gives instead of no value
    """

    source: str
    root: str
    steps: tuple[Step, ...] = ()
    quiet: bool = False
    backslashes: int = 0
    dollars: int = 0
    alternative: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Block(Node):
    """Nodes rendered one after the other."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Assign(Node):
    """`#set(target = value)`."""

    target: Reference
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Node):
    """`#if`, `#elseif` and `#else`."""

    branches: tuple[tuple[Node, Block], ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True, eq=False)
class Loop(Node):
    """`#foreach(variable in source)`."""

    variable: str
    source: Node
    body: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True, eq=False)
class Parameter(Node):
    """A parameter of a macro, with its default."""

    name: str
    default: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Macro(Node):
    """`#macro(name parameters)`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class MacroCall(Node):
    """`#name(arguments)` or, with content, `#@name(arguments) ... #end`.

    :param source: its text, printed when there is no such macro
    """

    name: str
    arguments: tuple[Node, ...]
    source: str
    content: Block | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Word(Node):
    """A bare word among the arguments of `#name(...)`: text if there is no such macro, else an error."""


@dataclass(frozen=True, slots=True, eq=False)
class Define(Node):
    """`#define(name) ... #end`: a block that is rendered where `$name` is printed."""

    name: str
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Break(Node):
    """`#break`, or `#break($foreach.parent)`.

    :param scope: what it leaves, if that is written
    """

    scope: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stop(Node):
    """`#stop`."""
