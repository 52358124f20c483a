"""Merge tags of other products: text that a customer would read as it is, since nothing here replaces it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = r"[^\W\d][\w.:|-]*"
_TAGS = re.compile(
    r"""
      (?P<tag>
        \{\{\{?(?P<braces>[^{}\r\n]*[^\W\d_][^{}\r\n]*|\s*\$\{[^{}\r\n]+\}[^{}\r\n]*)\}\}\}?  # {{name}}, {{${name}}}
      | \{%-?(?P<statement>\s*[a-z_]\w*(\s[^{}\r\n]*?)?)-?%\}       # {% if name %}
      | \{\#?!(?P<bang>[^\W\d][\w.]*)\}                            # {!Contact.FirstName}
      | <%[=-]?(?P<percents>[^<>\r\n]+)%>                          # <%= name %>
      | \*\|(?P<bars>[^|\r\n]+)\|\*                                # *|FNAME|*
      | %%=?(?P<double>[^\W\d][^%\r\n]*)%%                         # %%first_name%%
      | (?<![\w%])%(?P<single>NAME)%(?![\w%])                      # %FIRSTNAME%
      | \[\[(?P<brackets>NAME[^\[\]\r\n]*)\]\]                # [[code]]
      | \[%\s*(?P<template>NAME)\s*%\]                             # [% name %]
      | %\((?P<format>NAME)\)s                                     # %(name)s
      | <<(?P<angles>NAME)>>                                       # <<name>>
      | \#\#(?P<hashes>NAME)\#\#                                   # ##name##
      | \$[\[(](?P<dollar>NAME)[\])]                              # $(name), $[name]
      | (?<![\w$!{\[])[{\[](?P<one>NAME)(\s*[,|][^\r\n\[\]{}]*)?[}\]](?!\()  # {name}, [firstname,fallback=friend]
      | (?<![\w$!{\[])\[(?P<blanks>[^\W\d]\w*[ ][^\W\d]\w*)\](?!\()  # [FIRST NAME]
      | (?<![\w$!{])\{\$!?(?P<inner>NAME)\}                          # {$name}
      | (?<![\w@])@@(?P<ats>NAME)@@ | (?<!\w)__(?P<lines>[^\W\d_]\w*?)__(?!\w) | \(\((?P<rounds>NAME)\)\)
      | <(?P<angle>LONG)> | &lt;(?P<entity>LONG)&gt;                 # <first_name>
      | (?<![\w$/&?=.\#@%~^!-])[\#@%~^!-](?P<sign>LONG)             # -first_name-, @first_name
      )
    """.replace("NAME", _NAME).replace("LONG", r"[^\W\d_][^\W_]*_\w+?(?![^\W_])"),
    re.VERBOSE,
)
_EXACT = frozenset({"blanks", "inner", "ats", "lines", "rounds", "angle", "entity", "sign"})
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_WORD = re.compile(r"\S*")
_FIRST_NAME = re.compile(r"[^\W\d][\w.:]*( [^\W\d]\w*)?")


class MergeTag(NamedTuple):
    """A merge tag in a text.

    :param tag: as it is written
    :param name: what it names, as well as that can be told
    :param at: where it begins
    :param is_certain: such brackets stand for nothing else; a word in simple ones may be meant as text
    :param is_exact: such signs mostly stand in a text as it is meant, so that only the very name is one
    """

    tag: str
    name: str
    at: int
    is_certain: bool
    is_exact: bool = False


def merge_tags(text: str) -> Iterator[MergeTag]:
    """Yield the merge tags in a text."""
    for match in _TAGS.finditer(text):
        kind, inside = next(
            (kind, inside) for kind, inside in match.groupdict().items() if kind != "tag" and inside is not None
        )
        if kind == "single" and _is_escaped(text, match.start()):
            continue
        found = _FIRST_NAME.search(inside)
        name = found.group() if found else inside.strip()
        is_certain = kind not in {"one", "dollar", *_EXACT}
        yield MergeTag(match["tag"], name, match.start(), is_certain, kind in _EXACT)


def _is_escaped(text: str, at: int) -> bool:
    """Tell whether a percent sign stands in a word in which each one begins an escaped byte, as in an address."""
    start = max(text.rfind(blank, 0, at) for blank in " \t\r\n\"'") + 1
    word = _WORD.match(text, start)
    return word is not None and word.group().count("%") == len(_ESCAPED.findall(word.group()))
