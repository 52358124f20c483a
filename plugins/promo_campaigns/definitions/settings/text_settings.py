"""The settings of a message or a data source: texts, and numbers and choices written as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.definitions.yaml_file import QUOTES, YamlFile

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class TextSettings:
    """The settings of one file.

    :param path: the file
    :param shown_as: how errors name it
    :param keys: every setting the file may hold
    :raises DefinitionError: the file is missing, is not YAML, holds a setting twice or one that does not exist
    """

    def __init__(self, path: Path, *, shown_as: str, keys: Collection[str]) -> None:
        # A header written by mistake may hold a secret, so errors name its line and do not quote it.
        self._file = YamlFile(path, shown_as=shown_as, as_text=True, quoted=False)
        for key in self._file.value:
            if key not in keys:
                self.fail(f"there is no setting {key!r}", line=self.line(key), hint=nearest(key, keys))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a setting as text.

        :raises DefinitionError: it is required and missing or empty, or is no scalar
        """
        value = self._file.value.get(key, default)
        if value is None:
            self.fail(f"the setting {key!r} is missing")
        if not isinstance(value, str):
            hint = QUOTES
            self.fail(f"{key!r} must be text", line=self.line(key), hint=hint)
        if default is None and not value.strip():
            self.require_whole(key)
            self.fail(f"{key!r} is empty", line=self.line(key))
        return value

    def require_whole(self, key: str, *inside: str) -> None:
        """Refuse a text that people read and of which YAML takes a part for a comment: ``title: You are #1``.

        :param inside: the name of a text in the setting, where it maps names to texts
        """
        if self._file.is_cut(key, *inside):
            hint = "Put the text between quotes, or a comment on a line of its own"
            line = self._file.line(key, *inside)
            self.fail(f"{key!r} ends before the '#', which begins a comment in YAML", line=line, hint=hint)

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return a setting that must be one of some words."""
        value = self.text(key, default)
        if value not in allowed:
            self.fail(f"{key!r} cannot be {value!r}", line=self.line(key), hint=f"Use {' or '.join(allowed)}")
        return value

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """Return a setting that must be a number between two others."""
        if key not in self._file.value:
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
        value = self._file.value.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            self.fail(f"{key!r} must map names to texts", line=self.line(key))
        return value

    def line(self, key: str, of_text: int = 0) -> int | None:
        """Return the 1-based line of a setting, or of a line (from 1) of its text."""
        return self._file.line(key, of_text=of_text)

    def line_in(self, way: tuple[str, ...], of_text: int) -> int | None:
        """Return the line of a line (from 1) of a text that stands in a setting, or in one inside it."""
        return self._file.line(*way, of_text=of_text)

    def fail(self, problem: str, *, line: int | None = None, hint: str = "") -> NoReturn:
        """Raise the DefinitionError that names this file."""
        self._file.fail(problem, line=line, hint=hint)
