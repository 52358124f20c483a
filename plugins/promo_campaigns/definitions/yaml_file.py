"""A YAML file as plain values, with the line of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn, cast

import yaml

from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    Way = tuple[str | int, ...]

# libyaml reads a workflow in 0.6 ms, PyYAML without it in 9 ms and ruamel.yaml, which has no libyaml, in 13 ms or more.
# Airflow parses all workflows every half minute, so the positions are taken from libyaml's nodes here.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES = 1_000_000
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BROKEN = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_BARE = re.compile(r"\s*(- +)?(?P<name>[^\s:#'\"]+):\s+(?P<value>[@`%&*!|>{\[].*?|[^'\"].*:\s.*?)\s*")
_COMMENT = re.compile(r"\s+#")
QUOTES = "Put a text that begins with a bracket or a brace between quotes"
_FLAGS = {"true": True, "false": False}
_EXCERPT = 100


class YamlFile:
    """The values of one file, and their lines.

    Values are those of YAML 1.2's core: ``yes``, ``010`` and ``12:30`` are text. An anchor cannot be used twice, so
    that a short file cannot stand for a huge one.

    :param path: the file
    :param shown_as: how errors name it
    :param as_text: keep every value as it is written: ``1.10`` is text, and nothing is empty text
    :param quoted: whether errors quote the line at fault; not for a file that may hold a secret
    :param may_be_empty: whether a file of nothing but comments is right; it has no settings
    :raises DefinitionError: it cannot be read, is not YAML, holds a setting twice, or is no mapping
    """

    def __init__(
        self, path: Path, *, shown_as: str, as_text: bool = False, quoted: bool = True, may_be_empty: bool = False
    ) -> None:
        self.shown_as = shown_as
        self._as_text = as_text
        self._quoted = quoted
        self._text: list[str] = []
        self._lines: dict[Way, int] = {}
        self._first_lines: dict[Way, int] = {}
        self._cut: set[Way] = set()
        self._seen: set[int] = set()
        root = self._compose(path)
        self.value: dict[str, Any] = {}
        if root is None and may_be_empty:
            return
        if not isinstance(root, yaml.MappingNode):
            self.fail("the file must hold settings of the form 'name: value'")
        self.value = self._mapping(root, ())

    def line(self, *way: str | int, of_text: int = 0) -> int | None:
        """Return the 1-based line of a setting, or of a line (from 1) of its text; None if it is not there."""
        return self._first_lines[way] + of_text - 1 if of_text and way in self._first_lines else self._lines.get(way)

    def is_cut(self, *way: str | int) -> bool:
        """Return whether a text without quotes ends before a ``#``, which YAML takes for the begin of a comment."""
        return way in self._cut

    def fail(
        self,
        problem: str,
        *,
        setting: Way = (),
        line: int | None = None,
        hint: str = "",
        cause: Exception | None = None,
    ) -> NoReturn:
        """Raise the DefinitionError that names this file, and the line of a setting or of the nearest above it."""
        way = setting
        while way and way not in self._lines:
            way = way[:-1]
        line = line or self._lines.get(way)
        quotes = self._quoted and line and line <= len(self._text)
        excerpt = self._text[line - 1].strip()[:_EXCERPT] if line and quotes else ""
        raise DefinitionError(problem, file=self.shown_as, line=line, hint=hint, excerpt=excerpt) from cause

    def _compose(self, path: Path) -> yaml.Node | None:
        try:
            data = path.read_bytes()
            if len(data) > MAX_BYTES:
                self.fail(f"the file is larger than {MAX_BYTES:,} bytes")
            text = data.decode("utf-8-sig")
            self._text = text.splitlines()
            composed: yaml.Node | None = yaml.compose(text, Loader=LOADER)
        except FileNotFoundError:
            others = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml"))) or "none"
            self.fail("there is no such file", hint=f"Present in that folder: {others}")
        except OSError as error:
            self.fail(f"the file cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self.fail("the file is not UTF-8")
        except RecursionError:
            self.fail("the file is nested too deep")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or "unreadable"
            line = mark.line + 1 if mark else None
            self.fail(f"not YAML: {reason}", line=line, hint=self._hint_on(line))
        return composed

    def _hint_on(self, line: int | None) -> str:
        """Return how a line that is no YAML is mostly meant: a text that begins or goes on as only YAML's own may."""
        written = self._text[line - 1] if line and line <= len(self._text) else ""
        found = _BARE.fullmatch(written)
        if not found:
            return "YAML is indented by blanks, not by tabs" if written.strip(" ").startswith("\t") else ""
        shown = f'{found["name"]}: "{found["value"]}"' if self._quoted and '"' not in found["value"] else '"..."'
        return f"Put the text between quotes: {shown}"

    def _plain(self, node: yaml.Node, way: Way) -> Any:  # noqa: ANN401  (any plain value)
        if id(node) in self._seen:
            self.fail("an anchor is used twice", setting=way, hint="Write the value out")
        self._seen.add(id(node))
        block = isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}
        self._first_lines[way] = node.start_mark.line + (2 if block else 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, way)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, way)
        scalar = cast("yaml.ScalarNode", node)
        end = scalar.end_mark
        if not scalar.style and end.line < len(self._text) and _COMMENT.match(self._text[end.line], end.column):
            self._cut.add(way)
        return str(scalar.value) if self._as_text else _typed(scalar)

    def _mapping(self, node: yaml.MappingNode, way: Way) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.fail("a name must be text", line=line, hint=QUOTES)
            name = str(key.value)
            if name in values:
                self.fail(f"the setting {name!r} stands twice", line=line)
            at = (*way, name)
            self._lines[at] = line
            values[name] = self._plain(value, at)
        return values

    def _sequence(self, node: yaml.SequenceNode, way: Way) -> list[Any]:
        values = []
        for index, value in enumerate(node.value):
            at = (*way, index)
            self._lines[at] = value.start_mark.line + 1
            values.append(self._plain(value, at))
        return values


def _typed(node: yaml.ScalarNode) -> str | float | bool | None:
    text = str(node.value)
    if node.style:
        return text
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _BROKEN.fullmatch(text) else text
