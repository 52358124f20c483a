"""What differs between the two Velocity versions that templates are written for."""

from __future__ import annotations

import re
from dataclasses import dataclass


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
    :param velocity_count: `$velocityCount` counts loop turns
    :param arguments_by_name: a macro's parameter without a value prints what was written as its argument
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
    arguments_by_name: bool


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
    arguments_by_name=False,
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
    arguments_by_name=True,
)
DIALECTS = {dialect.name: dialect for dialect in (MODERN, CLASSIC)}
