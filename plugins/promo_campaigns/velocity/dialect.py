"""What differs between the Velocity versions that templates are written for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Dialect:
    """Switches of one version of the language.

    :param name: the version
    :param identifier: a name of a variable, property or method
    :param property_start: what the name of a property or method may start with, besides a letter
    :param lenient_marks: a template may end in `$` or `#`
    :param alternatives: `${x|'other'}` is allowed, and so is `#else` of a `#foreach`
    :param arithmetic_arguments: an argument may be any expression, not only a value
    :param empty_is_false: empty text, zero and empty lists are false
    :param null_unsets: `#set` to nothing removes the variable instead of keeping its value
    :param whole_lines: a line that holds only a directive vanishes with its indentation
    :param velocity_count: `$velocityCount` numbers the iterations, `$velocityHasNext` says if there are more
    :param negation: `-$x` is an expression
    :param plain_targets: `#set` sets only what is written `$x`, not `$!x` or `${x}`
    :param literals_hold: as a condition, a literal counts by its value; else only true does
    :param converts_arguments: `substring('1')` means `substring(1)`
    :param bare_methods: `$x.size` may mean `$x.size()`
    :param arguments_by_name: a macro's parameter without a value prints what was written as its argument
    :param content_reaches: a macro that is called without content has that of the macro around it
    :param lasting_ranges: a range cannot be changed
    :param tools: `$esc`, `$math`, `$number` and `$date` are there
    """

    name: str
    identifier: re.Pattern[str]
    property_start: str
    lenient_marks: bool
    alternatives: bool
    arithmetic_arguments: bool
    empty_is_false: bool
    null_unsets: bool
    whole_lines: bool
    velocity_count: bool
    negation: bool
    plain_targets: bool
    literals_hold: bool
    converts_arguments: bool
    bare_methods: bool
    arguments_by_name: bool
    content_reaches: bool
    lasting_ranges: bool
    tools: bool


MODERN = Dialect(
    name="2.4",
    identifier=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    property_start="_",
    lenient_marks=True,
    alternatives=True,
    arithmetic_arguments=True,
    empty_is_false=True,
    null_unsets=True,
    whole_lines=True,
    velocity_count=False,
    negation=True,
    plain_targets=False,
    literals_hold=True,
    converts_arguments=True,
    bare_methods=True,
    arguments_by_name=False,
    content_reaches=False,
    lasting_ranges=True,
    tools=False,
)
CLASSIC = Dialect(
    name="1.7",
    identifier=re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*"),
    property_start="",
    lenient_marks=False,
    alternatives=False,
    arithmetic_arguments=False,
    empty_is_false=False,
    null_unsets=False,
    whole_lines=False,
    velocity_count=True,
    negation=False,
    plain_targets=True,
    literals_hold=False,
    converts_arguments=False,
    bare_methods=False,
    arguments_by_name=True,
    content_reaches=True,
    lasting_ranges=False,
    tools=False,
)
VENDOR = replace(MODERN, name="vendor", velocity_count=True, tools=True)
"""2.4 with the tools, and with the counters of 1.7, which the vendor's documentation describes beside those of 2.4."""
DIALECTS = {dialect.name: dialect for dialect in (MODERN, CLASSIC, VENDOR)}
