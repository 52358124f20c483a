"""Code of directives and of whole blocks."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from promo_campaigns.velocity.codegen.expression_code import ExpressionCode
from promo_campaigns.velocity.parser.tree import Assign, Break, Call, Choice, Loop, Property, Reference, Stop, Text
from promo_campaigns.velocity.parser.walk import every

if TYPE_CHECKING:
    from promo_campaigns.velocity.dialect import Dialect
    from promo_campaigns.velocity.limits import Limits
    from promo_campaigns.velocity.parser.tree import Block, Node
    from promo_campaigns.velocity.positions.position import Position


COUNTERS = ("velocityCount", "velocityHasNext")


def counters_read(tree: Block) -> tuple[str, ...]:
    """Return the counters of loops if a template reads one of them: keeping them costs something in each iteration."""
    read = any(isinstance(node, Reference) and node.root in COUNTERS for node in every(tree))
    return COUNTERS if read else ()


class DirectiveCode(ExpressionCode):
    """Writes what a block of a template does."""

    def __init__(self, dialect: Dialect, limits: Limits, positions: dict[Node, Position]) -> None:
        super().__init__(dialect, limits, positions)
        self._loops = 0
        self._states: list[str] = []
        self.counters: tuple[str, ...] = COUNTERS if dialect.velocity_count else ()

    @abstractmethod
    def call(self, node: Node) -> None:
        """Write a macro's call or the definition of a block."""

    def body(self, block: Block) -> None:
        """Write what a block prints."""
        for node in block.nodes:
            self._node(node)
        self.flush()

    def _node(self, node: Node) -> None:
        if isinstance(node, Text):
            self.print_text(node.value)
        elif isinstance(node, Reference):
            self.print_reference(node)
        else:
            self._directive(node)

    def _directive(self, node: Node) -> None:
        if isinstance(node, Assign):
            self._assign(node)
        elif isinstance(node, Choice):
            self.flush()
            self._choice(node)
        elif isinstance(node, Loop):
            self.flush()
            self._loop(node)
        elif isinstance(node, Break | Stop):
            self.flush()
            self._leave(node)
        else:
            self.call(node)

    def _assign(self, node: Assign) -> None:
        value = self.value(node.value)
        if node.target.steps:
            self._assign_inside(node.target, value)
            return
        slot = self.slot(node.target.root)
        unnamed = self.dialect.plain_targets and node.target.source[1:2] in ("!", "{")
        if unnamed or node.target.alternative is not None:
            return
        if self.dialect.null_unsets:
            self.line(f"{slot} = {value}", node.at)
        else:
            name = self.fresh()
            self.line(f"{name} = {value}", node.at)
            self.line(f"if {name} is not None: {slot} = {name}")

    def _assign_inside(self, target: Reference, value: str) -> None:
        *steps, last = target.steps
        name = self.fresh()
        self.line(f"{name} = {value}", target.at)
        holder = self.reference_value(Reference(target.at, target.source, target.root, tuple(steps)))
        if isinstance(last, Call) or target.alternative is not None:
            return
        key = repr(last.name) if isinstance(last, Property) else self.value(last.key)
        guard = "" if self.dialect.null_unsets else f"if {name} is not None: "
        put = "put" if isinstance(last, Property) else "put_at"
        self.line(f"{guard}{put}({holder}, {key}, {name}, m)", last.at)

    def _choice(self, node: Choice) -> None:
        if len(node.branches) == 1:
            condition, body = node.branches[0]
            with self.block(f"if {self.condition(condition)}:", condition.at):
                self.body(body)
            if node.otherwise is not None:
                with self.block("else:"):
                    self.body(node.otherwise)
            return
        # The branch is chosen first and rendered after: a chain of any length stays two blocks deep.
        chosen = self.fresh("b")
        self.line(f"{chosen} = {len(node.branches)}", node.at)
        for number, (condition, _) in enumerate(node.branches):
            with self.block(f"if {chosen} == {len(node.branches)}:", condition.at):
                self.line(f"if {self.condition(condition)}: {chosen} = {number}")
        bodies = [body for _, body in node.branches]
        for number, body in enumerate(bodies if node.otherwise is None else [*bodies, node.otherwise]):
            with self.block(f"if {chosen} == {number}:"):
                self.body(body)

    def _loop(self, node: Loop) -> None:
        items, state, outer = (self.fresh() for _ in range(3))
        about = self.slot("foreach")
        source = self._kept(node.source)
        self.line(f"{items} = walk({source}, m)", node.at)
        bound = [self.slot(name) for name in (node.variable, *self.counters)]
        saved = [(slot, self.fresh()) for slot in bound]
        self.line("; ".join(f"{name} = {slot}" for slot, name in saved))
        self.line(f"{outer} = {about}; {about} = {state} = loop_state(len({items}), {outer})")
        if _leaves_outer(node.body):
            self.line("leaving = 0")
        with self.block(f"for {bound[0]} in {items}:", node.at):
            self._turn(node, source, state)
        self.line("; ".join(f"{slot} = {name}" for slot, name in saved))
        self.line(f"{about} = {outer}")
        if self._states and _leaves_outer(node.body):
            with self.block("if leaving:"):
                self.line("leaving -= 1")
                self.line("break")
        if node.otherwise is not None:
            with self.block(f"if not {items}:"):
                self.body(node.otherwise)

    def _turn(self, node: Loop, source: str, state: str) -> None:
        self.line(f"{state}.index += 1; m.steps -= {weight(node.body)}")
        self.line("if m.steps < 0: m.spend(0)")
        if self.counters:
            self.line(f"{self.slot(COUNTERS[0])} = {state}.index + 1")
            self.line(f"{self.slot(COUNTERS[1])} = {state}.index + 1 < {state}.total")
        self._loops += 1
        self._states.append(state)
        self.body(node.body)
        self._states.pop()
        self._loops -= 1
        self.check_size()
        if self.mutates:
            self.line(f"unchanged({source}, {state}.total)", node.at)

    def _leave(self, node: Node) -> None:
        if isinstance(node, Break) and node.scope is not None:
            scope, around = self.value(node.scope), "".join(f"{state}, " for state in reversed(self._states))
            self.line(f"leaving = loops_left({scope}, ({around}))", node.at)
            self.line("break" if self._states else "pass")
        elif isinstance(node, Break) and self._loops:
            self.line("break", node.at)
        elif self.stops:
            self.line("raise stopped('')", node.at)
        else:
            self.line(f"return {self.outermost()}", node.at)


def _leaves_outer(block: Block) -> bool:
    """Tell whether a `#break` in a loop's body says what it leaves: that may be a loop around it as well."""
    return any(isinstance(node, Break) and node.scope is not None for node in every(block))


def weight(block: Block) -> int:
    """Return the steps one iteration of a loop over a block costs: its nodes, inner loops apart."""
    counted = (inner for node in block.nodes if not isinstance(node, Loop) for inner in every(node))
    return 1 + sum(1 + len(node.steps) if isinstance(node, Reference) else 1 for node in counted)
