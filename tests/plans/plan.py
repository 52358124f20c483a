"""What a statement touched, read from its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that was run.

    :ivar root: its outermost node, as Postgres tells it in JSON
    :ivar read_through: rows read by reading tables through, by table; in functions and triggers as well
    """

    root: Mapping[str, Any]
    read_through: Mapping[str, int]

    @property
    def pages(self) -> int:
        """How many pages it looked at, each as often as it did."""
        return int(self.root["Shared Hit Blocks"]) + int(self.root["Shared Read Blocks"])

    @property
    def rows(self) -> int:
        """How many rows its busiest node took up, those it threw away included."""
        return round(max(_rows(node) for node in _nodes(self.root)))

    def rows_of(self, tables: str) -> int:
        """How many rows it took up from the tables whose names begin so, each as often as it did."""
        return round(sum(_rows(node) for node in _nodes(self.root) if node.get("Relation Name", "").startswith(tables)))

    def busiest(self) -> str:
        """Name the node that took up the most rows."""
        node = max(_nodes(self.root), key=_rows)
        return " ".join(
            str(node[key]) for key in ("Node Type", "Relation Name", "Index Name", "CTE Name") if key in node
        )


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: Mapping[str, Any]) -> float:
    removed = sum(float(value) for key, value in node.items() if key.startswith("Rows Removed by"))
    return (float(node["Actual Rows"]) + removed) * float(node["Actual Loops"])
