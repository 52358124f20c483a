"""A YAML file as plain values, with the line of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn, cast

import yaml

from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES = 1_000_000
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BROKEN = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_FLAGS = {"true": True, "false": False}
_EXCERPT = 100


class YamlTree:
    """The values of one file.

    Values are those of YAML 1.2's core: ``yes``, ``010`` and ``12:30`` are text. An anchor cannot be used twice.

    :param path: the file
    :param shown_as: how errors name it
    :raises DefinitionError: it cannot be read, is not YAML, holds a setting twice, or is no mapping
    """

    def __init__(self, path: Path, *, shown_as: str) -> None:
        self.shown_as = shown_as
        self._text: list[str] = []
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._seen: set[int] = set()
        root = self._compose(path)
        if not isinstance(root, yaml.MappingNode):
            self.fail("the file must hold settings of the form 'name: value'")
        self.value: dict[str, Any] = self._mapping(root, ())

    def fail(
        self,
        problem: str,
        *,
        setting: tuple[str | int, ...] = (),
        line: int | None = None,
        hint: str = "",
        cause: Exception | None = None,
    ) -> NoReturn:
        """Raise the DefinitionError that names this file, and the line of a setting or of the nearest above it."""
        way = setting
        while way and way not in self._lines:
            way = way[:-1]
        line = line or self._lines.get(way)
        excerpt = self._text[line - 1].strip()[:_EXCERPT] if line and line <= len(self._text) else ""
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
            self.fail("there is no such file")
        except OSError as error:
            self.fail(f"the file cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self.fail("the file is not UTF-8")
        except RecursionError:
            self.fail("the file is nested too deep")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or "unreadable"
            self.fail(f"not YAML: {reason}", line=mark.line + 1 if mark else None)
        return composed

    def _plain(self, node: yaml.Node, way: tuple[str | int, ...]) -> Any:  # noqa: ANN401  (any plain value)
        if id(node) in self._seen:
            self.fail("an anchor is used twice", setting=way, hint="Write the value out")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, way)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, way)
        return _scalar(cast("yaml.ScalarNode", node))

    def _mapping(self, node: yaml.MappingNode, way: tuple[str | int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.fail("a name must be text", line=line)
            name = str(key.value)
            if name in values:
                self.fail(f"the setting {name!r} stands twice", line=line)
            at = (*way, name)
            self._lines[at] = line
            values[name] = self._plain(value, at)
        return values

    def _sequence(self, node: yaml.SequenceNode, way: tuple[str | int, ...]) -> list[Any]:
        values = []
        for index, value in enumerate(node.value):
            at = (*way, index)
            self._lines[at] = value.start_mark.line + 1
            values.append(self._plain(value, at))
        return values


def _scalar(node: yaml.ScalarNode) -> str | float | bool | None:
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
