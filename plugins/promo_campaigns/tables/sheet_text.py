"""What spreadsheets and exports do to a text: harmless damage is undone, harmful damage is named.

One set of rules for code, contact and audience files, in every format. No reason holds the text it is about.
"""

# ruff: noqa: RUF001  (letters and marks of all languages are what it is about)
from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ERROR_CELL = "an error of a spreadsheet, such as #N/A, stands in place of the value"
FORMULA_CELL = "the cell holds a formula: copy the column and paste it as values"
_HASHES = "the spreadsheet wrote #### since its column was too narrow: widen it and save again"
_CUT_NUMBER = "a spreadsheet has made a number of it and cut its digits: format the column as text and write it again"
_FRACTION = "a number with a decimal sign, as a spreadsheet or a program makes of digits: write it as text"
_NOTHING = "the word for an empty value that a program has written, such as NULL or nan"
_MARKS = "nothing but punctuation marks, as stand for an empty value or for letters that were lost"
LOST_LETTERS = "letters were lost or mangled when the file was written: save it again in UTF-8"
_HTML = "it holds a character as HTML writes it, such as &amp;: export it as plain text"

_PAIRS = {
    '"': '"',
    "'": "'",
    "“": "”“",
    "”": "”",
    "„": "“”‟",
    "‟": "”",
    "‘": "’‘",
    "’": "’",
    "‚": "‘’",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "＂": "＂",
    "「": "」",
    "『": "』",
    "❝": "❞",
    "″": "″",
    "`": "`´'",
    "´": "´",
}
"""Quotation marks, and those that may close what they open: what word processors make of straight ones."""
_GUARDS = ("'", "’")
"""An apostrophe keeps a spreadsheet from making a number of what follows."""
_BLANKS = " \u00a0\u202f\u3000"
"""Those that come with a text copied out of a page or a document."""
_ENDS = f"{_BLANKS}\t\r\n\v\f"
"""What may stand behind a text: a cell that was copied has a line break at its end."""

# Excel's error values: each language has its own words, but all keep the sign in front and ! or ? at the end, or a
# slash between letters. Those that keep neither, and what LibreOffice writes, are named.
_ERROR = re.compile(r"#[¡¿]?(?:[^\W\d]|[ '’ʼ./_-])+(?:/0)?[!?]|#[^\W\d_]{1,3}/[^\W\d_]{1,5}[!.]?")
_NAMED_ERRORS = frozenset(
    [
        "#na",
        "#nv",
        "#nd",
        "#yok",
        "#hiányzik",
        "#puudub",
        "#saknas",
        "#puuttuu",
        "#není_k_dispozici",
        "#nedostupný",
        "#getting_data",
        "#busy",
        "#error",
        "#n/a n/a",
        "loading...",
        "loading…",
    ]
)
_ENGLISH_ERRORS = frozenset(
    ["#null!", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#spill!", "#calc!", "#field!", "#error!"]
)
_LIBRE_ERROR = re.compile(
    r"(?:err|erreur|error|errore|erro|fehler|fel|feil|fejl|fout|virhe|hiba|chyba|błąd|hata|ошибка|помилка|エラー|错误|錯誤)"
    r"[\s\u00a0]?:[\s\u00a0]?5\d\d"
)

_DIGITS = r"[0-9][0-9 \u00a0\u202f]*"
_CUT = re.compile(
    rf"{_DIGITS}(?:[.,٫][0-9]*(?: ?[eE] ?[+-]?| ?[×x*·] ?10 ?\^? ?[+-]?)[0-9⁰¹²³⁴-⁹]{{1,3}}|[eE]\+[0-9]{{1,3}})"
)
_DECIMAL = re.compile(rf"(?:{_DIGITS})?[.,٫][0-9]+")
_EMPTY_WORDS = frozenset(
    [
        "null",
        "(null)",
        "<null>",
        "[null]",
        "{null}",
        "none",
        "<none>",
        "nan",
        "<nan>",
        "nat",
        "na",
        "<na>",
        "n/a",
        "nil",
        "undefined",
        "inf",
        "infinity",
        "\\n",
        *("n.a.", "n.a", "n. a.", "k.a.", "k. a.", "н/д", "н.д.", "not assigned", "not available", "nicht zugeordnet"),
        # as pivot tables name what is empty
        *("(blank)", "(empty)", "(leer)", "(vide)", "(пусто)", "(порожньо)", "(en blanco)", "(vacío)", "(vuoto)"),
        *("(puste)", "(leeg)", "(em branco)", "(vazio)", "(tom)", "(tomt)", "(prázdné)", "(空白)", "(空)", "(boş)"),
    ]
)
_NO_NUMBER = re.compile(r"1[.,]#(?:INF|IND|QNAN|SNAN)[0-9]*")
_ENTITY = re.compile(r"&(?:amp|quot|apos|lt|gt|nbsp|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});")
# A letter of UTF-8 that was read as Western or as Cyrillic text: its first byte, then what the next one became.
may_be_mangled = re.compile(
    "\ufffd|[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u2122]|[РС][^\\w\\s-]|[РС][ЂЃѓЉЊЌЋЏђљњќћџЎўЈЄЇІіґёєјЅѕї№°]"
).search
_MANGLED = (("cp1252", 1), ("cp1251", 2))
"""Encodings that UTF-8 is mistaken for, and how many letters must be mangled before it is one beyond doubt."""

_KEY_NOISE = re.compile(r"[\W_]+")
_WHOLE = re.compile(r"(?:[%٪] ?)?([0-9]{1,18})(?:[.,٫]0+)?(?: ?[%٪])?")
_FLAG_NUMBER = re.compile(r"([01])[.,]0+")

_TRUE = (
    "true t yes y 1 wahr ja vrai oui verdadero cierto sí si vero verdadeiro sim waar prawda tak igaz igen pravda ano "
    "áno sand sandt sann sant tosi kyllä doğru dogru evet adevărat da истина да правда так істина αληθής αληθες ναι "
    "istina tačno točno resnica tõene jah patiess jā tiesa taip cert verdader egia bai benar ya đúng "
    "真 是 はい 참 예 จริง ใช่ صحيح نعم כן אמת иә ақиқат вярно i̇stina satt точно праўда ісціна ճիշտ ჭეშმარიტი درست "
    "həqiqət həqi̇qət fíor gwir सत्य सही үнэн rost on ✓ ✔ ☑ ✅"
)
_FALSE = (
    "false f no n 0 falsch nein faux non falso não nao nee onwaar fałsz falsz nie hamis nem nepravda ne falsk falskt "
    "usann usandt nej nei epätosi ei yanlış yanliş yanlis hayır hayir fals nu ложь нет неправда ні хибність хиба "
    "ψευδής ψευδες όχι οχι laž neistina netačno napaka väär aplams nē netiesa gezurra ez salah tidak sai không "
    "假 否 いいえ 거짓 아니요 เท็จ ไม่ใช่ خطأ لا לא שקר жоқ жалған невярно лъжа неистина ósatt неточно няпраўда սխալ "
    "მცდარი نادرست yalan bréagach anwir असत्य गलत худал yolg'on off ☐"
)
_FLAGS = {word.casefold(): True for word in _TRUE.split()} | {word.casefold(): False for word in _FALSE.split()}


def undo_harmless(text: str) -> str:
    """Return a text without blanks, quotation marks and the apostrophe that stand around it.

    ``="000123"`` is a text, too: so exports keep a spreadsheet from making a number of it.
    """
    bare = text.rstrip(_ENDS).lstrip(_BLANKS)
    if _is_guarded(bare):
        bare = bare[1:]
    while len(bare) > 1 and bare[-1] in _PAIRS.get(bare[0], ""):
        bare = bare[1:-1].strip(_BLANKS)
    return bare[1:].strip(_BLANKS) if bare.startswith(_GUARDS) else bare


def undo_guard(text: str) -> str:
    """Return a text that may stand as ``="..."``, and is left as it is otherwise."""
    bare = text.strip(_BLANKS)
    return bare[2:-1] if _is_guarded(bare) else text


def is_no_value(text: str) -> bool:
    """Tell whether a program has written the word for an empty value in place of a text that people read.

    ``NULL`` is such a word, and ``Null`` may be somebody's name.
    """
    bare = text.strip(_BLANKS)
    as_a_name = bare.istitle() and bare.isalpha() and bare != "None"
    return bare.casefold() in _EMPTY_WORDS and not as_a_name


def _is_guarded(text: str) -> bool:
    return text.startswith('="') and text.endswith('"') and '"' not in text[2:-1] and len(text) > len('=""')


def find_error(text: str) -> str:
    """Return why a cell of any column holds no value: an error, hashes or a formula; empty when it holds one."""
    bare = text.strip()
    if bare.startswith("="):
        return "" if _is_guarded(bare) else FORMULA_CELL
    if bare.startswith("#"):
        if not bare.strip("#"):
            return _HASHES
        folded = unicodedata.normalize("NFC", bare).casefold()
        if folded in _NAMED_ERRORS or folded in _ENGLISH_ERRORS or (bare == bare.upper() and _ERROR.fullmatch(bare)):
            return ERROR_CELL
        return ERROR_CELL if "/" in bare and _ERROR.fullmatch(bare) else ""
    folded = bare.casefold()
    return ERROR_CELL if _LIBRE_ERROR.fullmatch(folded) or folded in _NAMED_ERRORS else ""


def find_damage(text: str) -> str:
    """Return why a text is no code, id or token any more; empty when it may be one.

    ``4E05`` and ``AB1E10`` are codes of letters and digits: a spreadsheet's number has a decimal sign or a plus sign.

    :param text: as ``undo_harmless`` returns it
    """
    return find_error(text) or _find_number(text) or find_lost_letters(text) or _find_marks(text)


def _find_number(text: str) -> str:
    """Return why a text is a number that was damaged, or the word for none; empty when it is neither."""
    if _CUT.fullmatch(text):
        return _CUT_NUMBER
    if _DECIMAL.fullmatch(text):
        return _FRACTION
    return _NOTHING if text.casefold() in _EMPTY_WORDS or _NO_NUMBER.fullmatch(text) else ""


def _find_marks(text: str) -> str:
    if _ENTITY.search(text):
        return _HTML
    return _MARKS if text and all(map(_is_mark, text)) else ""


def find_lost_letters(text: str) -> str:
    """Return why a text is not what was once written, since its encoding was mistaken for another; else nothing."""
    if text.isascii() or not may_be_mangled(text):
        return ""
    return LOST_LETTERS if "\ufffd" in text or any(_is_mangled(text, *how) for how in _MANGLED) else ""


def _is_mangled(text: str, encoding: str, least: int) -> bool:
    try:
        meant = text.encode(encoding).decode("utf-8")
    except UnicodeError:
        return False
    return len(text) - len(meant) >= least


def _is_mark(letter: str) -> bool:
    """Tell whether a character is a mark: a picture may be a code, and so may a letter."""
    return unicodedata.category(letter)[0] == "P" or (letter.isascii() and not letter.isalnum())


def fold_header(name: str) -> str:
    """Return what makes two names of a column the same: letters and digits, whatever stands between them.

    ``Expiration Date``, ``expiration_date`` and ``expirationDate`` are one.
    """
    return _KEY_NOISE.sub("", unicodedata.normalize("NFKC", name).casefold())


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the known name of a column that a misspelt one is nearest to, or an empty text."""
    by_key = {fold_header(one): one for one in known}
    near = get_close_matches(fold_header(name), by_key, n=1, cutoff=0.7)
    return by_key[near[0]] if near else ""


def parse_flag(text: str) -> bool | None:
    """Return the truth of a text, in any language that spreadsheets are made for; None when it is neither."""
    word = unicodedata.normalize("NFC", undo_harmless(text)).casefold()
    if number := _FLAG_NUMBER.fullmatch(word):
        word = number[1]
    return _FLAGS.get(word)


def parse_whole(text: str) -> int | None:
    """Return a whole number that may be written ``10``, ``10.0``, ``10 %`` or ``%10``; None when it is none."""
    found = _WHOLE.fullmatch(unicodedata.normalize("NFKC", undo_harmless(text)))
    return int(found[1]) if found else None
