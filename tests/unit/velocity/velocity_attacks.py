"""Hostile templates, and what each may do at most."""

from __future__ import annotations

from typing import NamedTuple

DEEP: object = "x"
for _ in range(2_000):
    DEEP = [DEEP]
CYCLE: list[object] = []
CYCLE.append(CYCLE)
CONTEXT: dict[str, object] = {
    "s": "Hello",
    "n": 7,
    "d": 2.5,
    "t": True,
    "list": ["a", "b"],
    "map": {"k": "v"},
    "data": {"x": "$s.length() #set($p = 1) #evaluate('a')"},
    "deep": DEEP,
    "cycle": CYCLE,
    "long": "a" * 50_000,
    "many": list(range(9_000)),
    "wide": "\U0001f600" * 4_000,
}


class Attack(NamedTuple):
    """A hostile template.

    :param name: what it tries
    :param template: its text
    :param printed: what it prints if it is harmless; nothing if it has to end in an error
    """

    name: str
    template: str
    printed: str | None = None


def _echo(name: str, template: str) -> Attack:
    return Attack(name, template, template)


def _loops(count: int, body: str) -> str:
    return "".join(f"#foreach($i{n} in [1..10000])" for n in range(count)) + body + "#end" * count


INERT = [
    _echo("the class of a text", "$s.class"),
    _echo("getClass", "$s.getClass().forName('java.lang.Runtime')"),
    _echo("Python's class", "$s.__class__.__mro__"),
    _echo("subclasses", "$s.__class__.__base__.__subclasses__()"),
    _echo("globals of a method", "$s.length.__globals__.os"),
    _echo("globals of a method, called", "$s.length.__globals__.get('os').popen('id').read()"),
    _echo("builtins", "$__builtins__.open('/etc/passwd')"),
    _echo("import", "$__import__('os')"),
    _echo("a name of the generated code", "$m.limits $c $meter $call $v0 $t1"),
    _echo("a name of the engine", "$printer.text $show $compile $exec"),
    _echo("dict methods of Python", "$map.items() $map.pop('k') $map.update({}) $map.setdefault('a', 1)"),
    _echo("list methods of Python", "$list.append(1) $list.extend([1]) $list.sort() $list.reverse()"),
    _echo("str methods of Python", "$s.upper() $s.encode('utf-8') $s.ljust(99) $s.format_map($map) $s.zfill(9)"),
    _echo("dunder calls", "$s.__len__() $n.__pow__(9) $n.__add__(1) $map.__setitem__('a', 1)"),
    _echo("attributes of a number", "$n.real $n.denominator $d.hex() $n.to_bytes(9, 'big')"),
    _echo("wait and notify", "$s.wait() $s.notify() $s.notifyAll()"),
    _echo("streams and iterators", "$list.stream() $list.iterator() $s.chars() $s.lines()"),
    _echo("static fields", "$n.MAX_VALUE $s.CASE_INSENSITIVE_ORDER $n.TYPE"),
    _echo("a unicode name that normalises to another", "$\u017f $\uff53.length() $\u212a"),
    _echo("the engine's loop object", "$foreach.__class__ $foreach.parent.parent"),
    Attack("a value that looks like a template", "$data.x", "$s.length() #set($p = 1) #evaluate('a')"),
    Attack("a value inside an interpolated text", '#set($q = "$data.x")$q', "$s.length() #set($p = 1) #evaluate('a')"),
    Attack(
        "quotes of Python in text",
        "'''\"\"\"\\n{t1}{{x}}%s\\N{BULLET}",
        "'''\"\"\\n{t1}{{x}}%s\\N{BULLET}".replace('""', '"""'),
    ),
    Attack("a default that names a built-in", "${foo|'__import__'}", "__import__"),
    Attack("changing the caller's map", "#set($data.x = 1)$data.x", "1"),
    Attack("clearing the caller's map", "$data.clear()$data", "{}"),
    Attack("adding to the caller's list", "$list.add('c')$list", "true[a, b, c]"),
]
REFUSED = [
    Attack("format with a huge width", "$s.format('%2000000000d', 1)"),
    Attack("format of an attribute", "$s.format('{0.__class__}%d', 'x')"),
    Attack("format with a huge precision", "$s.format('%.999f%.999f%.9999f', $d, $d, $d)"),
    Attack("evaluate", "#evaluate($data.x)"),
    Attack("evaluate in braces", "#{evaluate}($data.x)"),
    Attack("include", "#include('/etc/passwd')"),
    Attack("parse", "#parse('../../etc/passwd')"),
    Attack("evaluate inside a text", '#set($x = "#evaluate($data.x)")'),
    Attack("a huge range", "#foreach($i in [1..1000000000])x#end"),
    Attack("a huge range backwards", "#set($x = [2147483647..-2147483648])"),
    Attack("nested ranges", _loops(3, "x")),
    Attack("nested ranges that print nothing", _loops(5, "")),
    Attack(
        "loops with a heavy body", _loops(1, "#set($x = \"$s$s$s\")#set($y = $x.replace('l', 'LLLL').toUpperCase())")
    ),
    Attack("a list that is added to while it is walked", "#set($l = [1])#foreach($i in $l)#set($o = $l.add(1))#end"),
    Attack("doubling a text", '#set($a = "aaaaaaaa")' + '#set($a = "$a$a")' * 40),
    Attack("doubling with plus", "#set($a = 'aaaaaaaa')" + "#set($a = $a + $a)" * 40),
    Attack("doubling with concat", "#set($a = 'aaaaaaaa')" + "#set($a = $a.concat($a))" * 40),
    Attack("doubling in a loop", "#set($a = 'aaaaaaaa')#foreach($i in [1..40])#set($a = $a + $a)#end"),
    Attack("doubling a list", "#set($a = [1, 2, 3, 4])" + "#set($o = $a.addAll($a))" * 40),
    Attack(
        "doubling what is printed",
        "#define($a)aaaaaaaa#end" + "".join(f"#define($a{n})$a{n - 1}$a{n - 1}#end" for n in range(1, 40)) + "$a39",
    ),
    Attack(
        "doubling macros",
        "#macro(m0)x#end" + "".join(f"#macro(m{n})#m{n - 1}()#m{n - 1}()#end" for n in range(1, 19)) + "#m18()",
    ),
    Attack("doubling nested lists", "#set($a = ['xxxxxxxx'])" + "#set($a = [$a, $a])" * 30 + "$a"),
    Attack(
        "doubling nested lists, compared",
        "#set($a = ['x'])#set($b = ['x'])" + "#set($a = [$a, $a])#set($b = [$b, $b])" * 28 + "#if($a == $b)x#end",
    ),
    Attack("doubling nested lists, hashed", "#set($a = ['x'])" + "#set($a = [$a, $a])" * 28 + "$a.hashCode()"),
    Attack("squaring a number", "#set($a = 9)" + "#set($a = $a * $a)" * 40 + "$a"),
    Attack("squaring a number in a loop", "#set($a = 99)#foreach($i in [1..9999])#set($a = $a * $a)#end"),
    Attack("repeat", "$s.repeat(2000000000)"),
    Attack("repeat of a long text", "$long.repeat(50)"),
    Attack("replace that grows", "$long.replace('a', $long)"),
    Attack("replaceAll that grows", "$long.replaceAll('a', $long)"),
    Attack("replaceAll that doubles groups", "#set($r = '$0$0$0$0$0$0$0$0')$long.replaceAll('a', $r)"),
    Attack("replace of nothing", "$long.replace('', $long)"),
    Attack("join that grows", "$s.join($long, $many.toString(), 'b', 'c', 'd')"),
    Attack("catastrophic regex", "$long.matches('(a+)+b')"),
    Attack("catastrophic regex with alternatives", "$long.matches('(a|a|aa)*c')"),
    Attack("polynomial regex", "$long.replaceAll('a*a*a*a*b', 'x')"),
    Attack("huge counts in a regex", "$s.matches('((a{100}){100}){100}')"),
    Attack("look-around in a regex", "$s.matches('(?=a)(?<!b)x')"),
    Attack("back reference in a regex", "$s.matches('(a*)\\1b')"),
    Attack("deeply nested regex", "$s.matches('" + "(" * 100 + "a" + ")" * 100 + "')"),
    Attack("splitting again and again", "#foreach($i in [1..9999])#set($x = $long.split('a'))#end"),
    Attack("upper case again and again", "#foreach($i in [1..9999])#set($x = $wide.toUpperCase())#end"),
    Attack("lengths of wide text again and again", "#foreach($i in [1..9999])#set($x = $wide.length())#end"),
    Attack("comparing text again and again", "#foreach($i in [1..9999])#set($x = $wide.compareTo($wide))#end"),
    Attack("ignoring case again and again", "#foreach($i in [1..9999])#set($x = $long.equalsIgnoreCase($long))#end"),
    Attack("hashing again and again", "#foreach($i in [1..9999])#set($x = $long.hashCode())#end"),
    Attack("searching a list again and again", "#foreach($i in [1..9999])#set($x = $many.indexOf(-1))#end"),
    Attack("printing a list again and again", '#foreach($i in [1..9999])#set($x = "$many")#end'),
    Attack("copying a list again and again", "#foreach($i in [1..9999])#set($x = $many.subList(0, 8000))#end"),
    Attack("comparing lists again and again", "#foreach($i in [1..9999])#if($many == $many.subList(0, 9000))x#end#end"),
    Attack("long paths again and again", "#set($m = {})#set($m.m = $m)" + _loops(1, "#if($m" + ".m" * 2_000 + ")#end")),
    Attack("printing a long text again and again", "#foreach($i in [1..9999])$long#end"),
    Attack("printing a long text many times over", "$long" * 2_000),
    Attack("a macro that calls itself", "#macro(m)#m()#end#m()"),
    Attack("macros that call each other", "#macro(a)#b()#end#macro(b)#a()#end#a()"),
    Attack("a macro that calls itself with content", "#macro(m)#@m()$bodyContent#end#end#m()"),
    Attack("a list in itself", "#set($l = [])#set($o = $l.add($l))$l"),
    Attack("a map in itself", "#set($m = {})#set($m.m = $m)$m"),
    Attack("a list in itself, hashed", "#set($l = [])#set($o = $l.add($l))$l.hashCode()"),
    Attack(
        "lists in themselves, compared",
        "#set($l = [])#set($k = [])#set($o = $l.add($l))#set($o = $k.add($k))#if($l == $k)x#end",
    ),
    Attack("a caller's list in itself", "$cycle"),
    Attack("a deep value", "$deep"),
    Attack("copying a deep value", "#set($deep[0] = 1)$deep"),
    Attack("1 MB of #if(", "#if(" * 250_000),
    Attack("#if( as long as a template may be", "#if(" * 70_000),
    Attack("100 levels of #if", "#if($t)" * 100 + "x" + "#end" * 100),
    Attack("100 levels of #foreach", "#foreach($i in $list)" * 100 + "x" + "#end" * 100),
    Attack("deep brackets", "#set($x = " + "(" * 50_000 + "1" + ")" * 50_000 + ")"),
    Attack("deep lists", "#set($x = " + "[" * 50_000 + "]" * 50_000 + ")"),
    Attack("deep maps", "#set($x = " + "{'a':" * 50_000 + "1" + "}" * 50_000 + ")"),
    Attack("deep calls", "$s.f(" * 50_000),
    Attack("deep indexes", "$list[" * 50_000),
    Attack("deep negations", "#if(" + "!" * 50_000 + "$t)x#end"),
    Attack("deep signs", "#set($x = " + "- " * 50_000 + "1)"),
    Attack("deep defaults", "${a|" * 50_000),
    Attack("deep macro arguments", "#x(" * 50_000),
    Attack("many references", "$s" * 100_000),
    Attack("many sums", "#set($x = 1" + " + 1" * 60_000 + ")"),
    Attack("many branches", "#if($t)#elseif($t)" + "#elseif($t)x" * 20_000 + "#end"),
    Attack("many methods", "$s" + ".trim()" * 40_000),
    Attack("many unclosed texts", "#set($x = '" * 20_000),
    Attack("many unclosed quotes", '$s.x("' * 20_000),
    Attack("many unclosed braces", "${s" * 20_000),
    Attack("many unclosed literals", "#[[" * 60_000),
    Attack("a number of 100,000 digits", "#set($x = " + "9" * 100_000 + ")"),
    Attack("ends in a directive", "Hello #if($t"),
    Attack("ends in a call", "Hello $s.substring(1"),
    Attack("ends in a text", "Hello #set($x = 'abc"),
    Attack("ends in a block", "Hello #foreach($i in $list)"),
    Attack("NUL", "Hello \x00"),
    Attack("half of a surrogate pair", "Hello \ud800"),
]
ATTACKS = INERT + REFUSED
