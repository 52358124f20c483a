"""From a tree to a Python function."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from promo_campaigns.velocity.codegen.directive_code import counters_read
from promo_campaigns.velocity.codegen.macro_code import MacroCode
from promo_campaigns.velocity.fault import exceeded, fail
from promo_campaigns.velocity.parser.walk import is_plain
from promo_campaigns.velocity.positions.html_text import HtmlPrinter
from promo_campaigns.velocity.positions.json_text import JsonPrinter
from promo_campaigns.velocity.positions.link_text import LinkPrinter
from promo_campaigns.velocity.positions.plain_text import xml_text
from promo_campaigns.velocity.positions.url_text import encoded_url, url_text
from promo_campaigns.velocity.tools.names import no_tool, tool_of
from promo_campaigns.velocity.values.arithmetic import Arithmetic, expect_values
from promo_campaigns.velocity.values.comparison import Comparison, holds, same
from promo_campaigns.velocity.values.containers import (
    copied,
    loops_left,
    mapping,
    put,
    put_at,
    span,
    spelt_span,
    unchanged,
    walk,
)
from promo_campaigns.velocity.values.meter import Meter, SingleMeter
from promo_campaigns.velocity.values.method_table import Caller
from promo_campaigns.velocity.values.values import Encoded, LoopState, Printer, Rendered, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from promo_campaigns.velocity.dialect import Dialect
    from promo_campaigns.velocity.limits import Limits
    from promo_campaigns.velocity.parser.tree import Block, Node
    from promo_campaigns.velocity.positions.position import Position

FILE = "<velocity template>"


class Program(NamedTuple):
    """A compiled template.

    :param render: the function that renders a context
    :param offsets: the template offset each line of its code stands for
    """

    render: Callable[[dict[str, object]], str]
    offsets: tuple[int, ...]


def generate(  # noqa: PLR0913  (all that code is generated from)
    text: str, tree: Block, dialect: Dialect, limits: Limits, positions: dict[Node, Position], *, strict: bool
) -> Program:
    """Compile a tree.

    :raises TemplateSyntaxError: a macro is called with something that is no value
    """
    code = MacroCode(text, tree, dialect, limits, positions, strict=strict)
    if dialect.velocity_count:
        code.counters = counters_read(tree)
    result = code.write(tree)
    lines = ["def render(c):", " m = single" if is_plain(tree) else " m = meter(limits, printer)"]
    form = " {} = copied(c.get({!r}), seen, m)" if code.mutates else " {} = c.get({!r})"
    lines += [" seen = {}"] * code.mutates + [form.format(slot, name) for name, slot in code.slots.items()]
    tools = ((slot, name) for name, slot in code.slots.items() if name in code.tools)
    lines += [f" if {slot} is None: {slot} = tool({name!r}, c)" for slot, name in tools]
    lines += [f" {name} = None" for name in code.echoes.values()]
    offsets = [0] * len(lines)
    nonlocal_names = f"nonlocal {', '.join([*code.slots.values(), *code.echoes.values()])}"
    for written, places in code.functions:
        lines += [f"  {nonlocal_names}" if line == " nonlocal_names" else f" {line}" for line in written]
        offsets += places
    lines += [f" {line}" for line in code.lines]
    offsets += code.offsets
    lines += [f" if len({result}) > most: full()", f" return {result}", ""]
    offsets += [0, 0]
    program: CodeType = compile("\n".join(lines), FILE, "exec")
    names = _names(dialect, limits)
    exec(program, names)  # noqa: S102  (the source holds template text in constants only: see code_writer)
    return Program(names["render"], tuple(offsets))  # type: ignore[arg-type]  # by exec


def _no_value(source: str) -> NoReturn:
    fail(f"{source} has no value", "Write $! for nothing, or test it with #if")


def _names(dialect: Dialect, limits: Limits) -> dict[str, object]:
    """Return all that generated code can reach."""
    printer = Printer(limits)
    arithmetic = Arithmetic(printer, limits.digits, converts=dialect.converts_arguments)
    comparison = Comparison(printer, converts=dialect.converts_arguments)
    caller = Caller(converts=dialect.converts_arguments, bare=dialect.bare_methods)

    def full() -> None:
        exceeded("characters of the result", limits.output)

    return {
        "__builtins__": {},
        "type": type,
        "str": str,
        "dict": dict,
        "len": len,
        "limits": limits,
        "printer": printer,
        "meter": Meter,
        "single": SingleMeter(limits, printer),
        "most": limits.output,
        "full": full,
        "tool": tool_of,
        "no_tool": no_tool,
        "no_value": _no_value,
        **_printing(limits, printer),
        "call": caller.call,
        "prop": caller.prop,
        "item": caller.item,
        "span": spelt_span if dialect.lasting_ranges else span,
        "mapping": mapping,
        "walk": walk,
        "put": put,
        "put_at": put_at if dialect.converts_arguments else put,
        "unchanged": unchanged,
        "copied": copied,
        "loop_state": LoopState,
        "loops_left": loops_left,
        "rendered": Rendered,
        "stopped": Stopped,
        "same": same,
        "holds": holds,
        "add": arithmetic.add,
        "expect_numbers": arithmetic.expect_numbers,
        "expect_values": expect_values,
        "subtract": arithmetic.subtract,
        "multiply": arithmetic.multiply,
        "divide": arithmetic.divide,
        "remainder": arithmetic.remainder,
        "negate": arithmetic.negate,
        "equal": comparison.equal,
        "less": comparison.less,
        "at_most": comparison.at_most,
        "fits": lambda text, meter: meter.fits(text),
        "infinity": float("inf"),
    }


def _printing(limits: Limits, printer: Printer) -> dict[str, object]:
    """Return what writes a value where it is printed."""
    json_printer, links = JsonPrinter(printer, limits.string), LinkPrinter(printer)
    return {
        "show": printer.show,
        "html": HtmlPrinter(printer).show,
        "strict": json_printer.strict,
        "json_value": json_printer.value,
        "quote": encode_basestring,
        "xml": xml_text,
        "url": url_text,
        "in_path": links.in_path,
        "in_query": links.in_query,
        "encoded": Encoded,
        "encoded_url": encoded_url,
    }
