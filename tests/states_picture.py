"""Draws ``docs/pictures/states.svg`` of the states and edges, for readers whose Markdown draws no diagrams."""

from __future__ import annotations

import math
from itertools import chain

from promo_campaigns.model.assignment_state import EDGES, AssignmentState

_WIDTH, _HEIGHT = 112, 38
_FAR = 400.0
"""From here on an arrow bends more: other boxes stand between."""
_PLACES: dict[str, tuple[int, int]] = {
    "pending": (90, 170),
    "assigned": (290, 170),
    "sending": (490, 170),
    "accepted": (690, 170),
    "recorded": (890, 170),
    "skipped": (150, 40),
    "rejected": (600, 40),
    "expired": (190, 300),
    "unknown": (590, 300),
}
"""Where the middle of each state is; a new state is given its place here."""
_OVER_THE_OTHERS = {("rejected", "pending")}
"""Arrows that bend to their right, where another box stands in their way."""
_FILLS = {"recorded": "#dff3e4", "accepted": "#dff3e4", "unknown": "#fdf0d5", "rejected": "#fbe3ea"}
_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 350" width="980" height="350" font-size="15"
 font-family="system-ui, sans-serif" role="img" aria-label="States of an assignment, and the changes between them">
<rect width="980" height="350" rx="8" fill="#ffffff"/>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0 8 4 0 8z" fill="#445"/></marker></defs>"""


def picture() -> str:
    """Return the picture: arrows first, so that the boxes cover their ends."""
    arrows = (_arrow(edge.source.value, edge.target.value) for edge in EDGES)
    boxes = (_box(state.value) for state in AssignmentState)
    return "\n".join(chain([_HEAD], arrows, boxes, ["</svg>", ""]))


def _arrow(source: str, target: str) -> str:
    """Bend each arrow to its left, so that one there and one back stand beside each other."""
    (x1, y1), (x2, y2) = _PLACES[source], _PLACES[target]
    length = math.hypot(x2 - x1, y2 - y1)
    bend = 16 + length * (0.08 if length < _FAR else 0.16)
    if (source, target) in _OVER_THE_OTHERS:
        bend = -bend / 2
    x, y = (x1 + x2) / 2 + (y2 - y1) / length * bend, (y1 + y2) / 2 - (x2 - x1) / length * bend
    begin, end = _border(source, x, y), _border(target, x, y)
    way = f"M{begin}Q{x:.0f} {y:.0f} {end}"
    return f'<path d="{way}" fill="none" stroke="#445" stroke-width="1.3" marker-end="url(#tip)"/>'


def _border(state: str, x: float, y: float) -> str:
    """Return where the border of a state's box is crossed on the way from its middle to a point."""
    (left, top), (half_width, half_height) = _PLACES[state], (_WIDTH / 2 + 3, _HEIGHT / 2 + 3)
    dx, dy = x - left, y - top
    shrunk = min(half_width / abs(dx) if dx else math.inf, half_height / abs(dy) if dy else math.inf)
    return f"{left + dx * shrunk:.0f} {top + dy * shrunk:.0f}"


def _box(state: str) -> str:
    x, y = _PLACES[state]
    fill = _FILLS.get(state, "#e3ecfb")
    return (
        f'<rect x="{x - _WIDTH // 2}" y="{y - _HEIGHT // 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{fill}"'
        f' stroke="#667"/><text x="{x}" y="{y + 5}" text-anchor="middle" fill="#223">{state}</text>'
    )
