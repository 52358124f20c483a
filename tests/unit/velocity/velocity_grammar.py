"""Random templates, made from the grammar of the language, for tests that compare or break engines."""

from __future__ import annotations

from hypothesis import strategies as st

CONTEXT: dict[str, object] = {
    "name": "Anna",
    "s": "Hello World",
    "blank": "",
    "n": 7,
    "zero": 0,
    "d": 2.5,
    "t": True,
    "f": False,
    "nul": None,
    "list": ["x", "y", "z"],
    "nums": [1, 2, 3],
    "e": [],
    "map": {"b": 2, "a": 1, "k": "v"},
    "data": {"first name": "Zoë", "price": 19.9, "tags": ["new", "vip"], "code": "A-1"},
}
NAMES = ["name", "s", "blank", "n", "zero", "d", "t", "f", "nul", "foo", "list", "nums", "e", "map", "data", "i", "x"]
METHODS = [
    "length()",
    "substring(1)",
    "substring(0, 2)",
    "toUpperCase()",
    "trim()",
    "replace('l', 'L')",
    "contains('o')",
    "startsWith('A')",
    "indexOf('o')",
    "isEmpty()",
    "size()",
    "get(0)",
    "get('a')",
    "get('first name')",
    "containsKey('a')",
    "contains('x')",
    "split('o').size()",
    "replaceAll('[aeiou]', '*')",
    "toString()",
    "equals('Anna')",
    "nosuch()",
]
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "and", "or", "eq", "ne", "lt", "ge"]
PROPERTIES = ["a", "k", "zz", "code", "price", "tags", "empty"]


def _numbers() -> st.SearchStrategy[str]:
    return st.one_of(st.integers(-20, 20).map(str), st.sampled_from(["1.5", "0.0", "2147483648", "100.25", "1e3"]))


def _texts() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ["'a'", "''", "'7'", "'it''s'", "'$name'", '"b"', '"$name!"', '"$!foo"', '"$n-$foo"', '"a ""q"""']
    )


def _steps(depth: int) -> st.SearchStrategy[str]:
    choices = [
        st.sampled_from(METHODS).map(".{}".format),
        st.sampled_from(PROPERTIES).map(".{}".format),
        st.sampled_from(["[0]", "[1]", "['a']", "[$zero]"]),
    ]
    if depth:
        choices.append(references(depth - 1).map(".get({})".format))
    return st.lists(st.one_of(choices), max_size=2).map("".join)


def references(depth: int = 1) -> st.SearchStrategy[str]:
    """Return references in all their forms."""
    forms = st.sampled_from(["${}{}", "$!{}{}", "${{{}{}}}", "$!{{{}{}}}"])
    return st.builds(lambda form, name, steps: form.format(name, steps), forms, st.sampled_from(NAMES), _steps(depth))


def values(depth: int = 1) -> st.SearchStrategy[str]:
    """Return values without operators."""
    choices = [
        _numbers(),
        _texts(),
        references(depth),
        st.sampled_from(["true", "false", "[]", "{}", "[1..3]", "[3..$n]"]),
    ]
    if depth:
        inner = values(depth - 1)
        choices += [
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            inner.map("{{'k': {}}}".format),
        ]
    return st.one_of(choices)


def expressions(depth: int = 2) -> st.SearchStrategy[str]:
    """Return expressions, with spaces around each operator."""
    if not depth:
        return values()
    inner = expressions(depth - 1)
    operators = st.sampled_from(OPERATORS)
    return st.one_of(
        values(),
        st.builds(lambda left, operator, right: f"{left} {operator} {right}", inner, operators, inner),
        inner.map("({})".format),
        inner.map("!{}".format),
    )


PLAIN = [
    "a",
    " ",
    "\n",
    "  ",
    "x y",
    ".",
    ",",
    "{",
    "}",
    '"',
    "'",
    "!",
    "-",
    "(",
    "5",
    "$5.00",
    "#1",
    "é",
    "\r\n",
    "$$name",
]
PLAIN += ["$ x", "# x", "##c\n", "#*c*#", "#[[$name]]#", "\\$name", "\\\\$name", "\\$foo", "\\#if"]


def templates(depth: int = 2) -> st.SearchStrategy[str]:
    """Return whole templates."""
    choices = [st.sampled_from(PLAIN), references(), expressions().map("#set($x = {})".format)]
    if depth:
        inner = templates(depth - 1)
        condition = expressions(1)
        sources = st.sampled_from(["$list", "[1..3]", "$map", "$foo", "$nums", "$map.keySet()", "$data.tags"])
        choices += [
            st.builds("#if({}){}#end".format, condition, inner),
            st.builds("#if({})\n{}\n#else\n{}\n#end\n".format, condition, inner, inner),
            st.builds("#if({}){}#elseif({}){}#{{else}}{}#end".format, condition, inner, condition, inner, inner),
            st.builds("#foreach($i in {}){}#end".format, sources, inner),
            st.builds("#foreach($i in {})\n{}$foreach.count#if($foreach.hasNext),#end\n#end\n".format, sources, inner),
            st.builds("#define($x){}#end".format, inner),
            st.builds("#macro(m $x){}#end#m({})".format, inner, values()),
            st.builds("  #macro(p $x $y)\n<$x$!y>{}\n  #end\n#p(1 $n)\n#p('a')".format, inner),
            st.builds("#macro(w)[$bodyContent]#end\n  #@w(){}#end\n".format, inner),
            st.builds("  #if({}) {}\n  #elseif({})\n{}\n  #end {}".format, condition, inner, condition, inner, inner),
            st.builds("\n\t#foreach($i in {}) {} #if({})#break#end\n#end  \n".format, sources, inner, condition),
            st.builds("#foreach($i in [1..2])#foreach($j in $list){}$foreach.parent.index#end#end".format, inner),
            st.builds("\n  #set($x = {})  \n".format, expressions(1)),
            st.builds("#if({})#stop#end".format, condition),
        ]
    return st.lists(st.one_of(choices), max_size=5).map("".join)


INSIDE = ["a", " ", "\\\\", '\\"', "\\n", "\\u00e9", "é", "$x", "$!x", "$!{x.k}", "${x|'d'}", "\\$x", "\\\\$!x", "#x1"]
INSIDE += [
    "$!data.get('code')",
    "#if($x)b#end",
    '#if($!x == "q")c#{else}$!x#end',
    "#foreach($i in $x)$!i,#end",
    "#set($x = 1)",
    "#m($x)",
    "$!d",
    "#[[$x]]#",
]
OUTSIDE = [
    "1",
    "true",
    "null",
    "$x",
    "$!x",
    "${x|5}",
    "$!data",
    "$list",
    "$d",
    '#if($x)1#{else}"b"#end',
    "#if($x)$x#end",
    "\\$x",
    "#n($!x)",
]
BEFORE = [
    "",
    '#set($y = "$!x")',
    '#macro(m $p)<$!p>"#end',
    "#macro(m $p)<$!p>#end",
    "#macro(n $p)[$p]#end",
    '#define($d)"$!x#end',
]


def bodies() -> st.SearchStrategy[str]:
    """Return templates that are nearly JSON, with references and directives in all places."""
    text = st.lists(st.sampled_from(INSIDE), max_size=4).map(lambda parts: f'"{"".join(parts)}"')
    value = st.recursive(
        st.one_of(st.sampled_from(OUTSIDE), text),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.lists(st.tuples(text, inner), max_size=3).map(
                lambda items: f"{{{', '.join(f'{k}: {v}' for k, v in items)}}}"
            ),
            inner.map("[#foreach($i in $list){}#if($foreach.hasNext),#end#end]".format),
            st.tuples(inner, inner).map(lambda pair: f"[{pair[0]}#if($x), {pair[1]}#end]"),
        ),
        max_leaves=5,
    )
    return st.tuples(st.lists(st.sampled_from(BEFORE), max_size=3).map("".join), value).map("".join)
