"""A YAML file of plain text settings, whose errors name the line."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

import yaml

from promo_campaigns.definitions.yaml_tree import LOADER
from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class YamlFile:
    """The settings of one file.

    :param path: the file
    :param shown_as: how errors name it
    :param keys: every setting the file may hold
    :raises DefinitionError: the file is missing, is not YAML, holds a setting twice or one that does not exist
    """

    def __init__(self, path: Path, *, shown_as: str, keys: Collection[str]) -> None:
        self.shown_as = shown_as
        self._nodes = self._read(path)
        for key, (line, _) in self._nodes.items():
            if key not in keys:
                close = get_close_matches(key, keys, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else f"Allowed are: {', '.join(sorted(keys))}"
                self.fail(f"there is no setting {key!r}", line=line, hint=hint)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a setting as text.

        :raises DefinitionError: it is required and missing or empty, or is no scalar
        """
        if key not in self._nodes:
            if default is None:
                self.fail(f"the setting {key!r} is missing")
            return default
        line, node = self._nodes[key]
        if not isinstance(node, yaml.ScalarNode):
            self.fail(f"{key!r} must be text", line=line)
        if default is None and not node.value.strip():
            self.fail(f"{key!r} is empty", line=line)
        return str(node.value)

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return a setting that must be one of some words."""
        value = self.text(key, default)
        if value not in allowed:
            self.fail(f"{key!r} cannot be {value!r}", line=self.line(key), hint=f"Use {' or '.join(allowed)}")
        return value

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """Return a setting that must be a number between two others."""
        if key not in self._nodes:
            return default
        try:
            number = float(self.text(key))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            self.fail(f"{key!r} must be a number between {least:g} and {most:g}", line=self.line(key))
        return number

    def mapping(self, key: str) -> dict[str, str]:
        """Return a setting that maps text to text; empty when it is not there."""
        if key not in self._nodes:
            return {}
        line, node = self._nodes[key]
        if not isinstance(node, yaml.MappingNode) or not all(
            isinstance(part, yaml.ScalarNode) for pair in node.value for part in pair
        ):
            self.fail(f"{key!r} must map names to texts", line=line)
        return {str(name.value): str(value.value) for name, value in node.value}

    def line(self, key: str, offset: int = 0) -> int | None:
        """Return the 1-based line of a setting, or of the offset-th line (from 1) of its text."""
        if key not in self._nodes:
            return None
        line, node = self._nodes[key]
        if not offset:
            return line
        block = isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}
        start = int(node.start_mark.line) + 1
        return start + offset if block else start + offset - 1

    def fail(self, problem: str, *, line: int | None = None, hint: str = "") -> NoReturn:
        """Raise the DefinitionError that names this file."""
        raise DefinitionError(problem, file=self.shown_as, line=line, hint=hint)

    def _read(self, path: Path) -> dict[str, tuple[int, yaml.Node]]:
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
        except FileNotFoundError:
            others = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml"))) or "none"
            self.fail("there is no such file", hint=f"Present in that folder: {others}")
        except UnicodeDecodeError:
            self.fail("the file is not UTF-8")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or "unreadable"
            self.fail(f"not YAML: {reason}", line=mark.line + 1 if mark else None)
        if not isinstance(root, yaml.MappingNode):
            self.fail("the file must hold settings of the form 'name: value'")
        nodes: dict[str, tuple[int, yaml.Node]] = {}
        for name, value in root.value:
            line = name.start_mark.line + 1
            if str(name.value) in nodes:
                self.fail(f"the setting {name.value!r} stands twice", line=line)
            nodes[str(name.value)] = (line, value)
        return nodes
