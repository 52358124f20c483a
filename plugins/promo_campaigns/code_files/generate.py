"""Generates codes into the pool and into a file for the shop."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import asdict, dataclass, replace
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO

from psycopg.types.json import Jsonb

from promo_campaigns.code_files.code_pattern import CodePattern, parse_pattern
from promo_campaigns.code_files.expiration_date import FORMATS, expires_at, pool_time_zone
from promo_campaigns.code_files.row_rules import BrokenRuleError, check_discount, check_type
from promo_campaigns.model.errors import ConfigurationError, StoreUnavailableError
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries
from promo_campaigns.tables.layout import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from promo_campaigns.code_files.shop_file import ShopFile
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LOAD = queries("promo_campaigns.code_files.load")
MOST_CODES = 10_000_000
"""Codes of one set."""
_DRAWN_AT_ONCE = 50_000
_BLOCK_BYTES = 1 << 20
_HEADER = f"{','.join(COLUMNS[:-1])}\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTerms:
    """What codes are to be made.

    :param count: how many
    :param pattern: such as ``SPRING-????-????``
    :param expires: their expiration date, in a format of code files
    :param time_zone: IANA name of the zone in which that date is read
    """

    count: int
    pattern: str
    type: str
    discount: int
    expires: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedCodes:
    """A set of codes that is in the pool and in a file.

    :param file: base name of the file
    :param key: what makes another call the same set
    :param sha256: digest of the file, in hexadecimal
    :param guesses_per_hit: of so many guesses of the pattern one hits a code, on average
    :param code_file_id: the file in the store
    :param already_made: an earlier call made the set; no code was drawn
    :param written: whether the file was written by this call
    """

    file: str
    key: str
    codes: int
    sha256: str
    pattern: str
    guesses_per_hit: int
    code_file_id: int
    already_made: bool
    written: bool


def generate_codes(
    connection: Connection, terms: CodeTerms, file: ShopFile, *, key: str = "", actor: str = ""
) -> GeneratedCodes:
    """Make a set of codes: into the pool, and as a code file for the shop. The same key makes one set.

    Codes are drawn from the system's source of secrets; one that the pool holds in any case or Unicode form is drawn
    anew. The file has its name before the codes are in the pool, so nobody is given a code that the shop cannot know.
    Killed in between, the file lies there alone: the same call takes its codes up. A file of a set that is gone is
    written again, the same bytes.

    :param connection: an open store, outside a transaction
    :param file: where it shall lie
    :param key: what makes two calls the same set; by default the name of the file
    :param actor: who takes the codes out of the store, for the audit; by default the account of this process
    :raises ConfigurationError: the terms cannot be, the pattern is too small, the key belongs to another set, or
        another file lies in its place; nothing was made
    :raises StoreUnavailableError: somebody added such codes at the same moment; nothing was made
    """
    checked = _check(terms)
    making = _Making(connection, checked, file, key or file.name)
    with audited(connection, "export", f"generated codes {making.key}", revealed=True, actor=actor) as entry:
        with connection.transaction():
            made = making.make()
        if made.already_made:
            made = making.agree(made)
        entry.rows = made.codes if made.written else 0
    return made


@dataclass(frozen=True, slots=True)
class _Checked:
    """Terms that can be, and what is made of them.

    :ivar tail: what follows a code in its line
    """

    terms: CodeTerms
    pattern: CodePattern
    expires_at: datetime

    tail: str


def _check(terms: CodeTerms) -> _Checked:
    pattern = parse_pattern(terms.pattern)
    if not 0 < terms.count <= MOST_CODES:
        msg = f"a set has 1 to {MOST_CODES:,} codes, not {terms.count:,}"
        raise ConfigurationError(msg)
    try:
        check_discount(str(terms.discount))
        if check_type(terms.type) != terms.type:
            msg = f"the type {terms.type!r} has blanks or quotation marks around it"
            raise ConfigurationError(msg)
    except BrokenRuleError as broken:
        msg = f"the {broken.column} of the codes is {broken}"
        raise ConfigurationError(msg) from broken
    try:
        moment = expires_at(terms.expires, pool_time_zone(terms.time_zone))
    except ValueError as error:
        msg = f"the expiration of the codes is no date: write {FORMATS}"
        raise ConfigurationError(msg) from error
    rest = io.StringIO()
    csv.writer(rest, lineterminator="").writerow([terms.expires, terms.discount, terms.type])
    return _Checked(terms, pattern, moment, f",{rest.getvalue()}\n")


class _DigestedStream:
    """Writes to a stream, and keeps the digest of what was written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Write some bytes."""
        self.sha256.update(data)
        self._stream.write(data)


def _digest(stream: BinaryIO) -> str:
    sha256 = hashlib.sha256()
    while block := stream.read(_BLOCK_BYTES):
        sha256.update(block)
    return sha256.hexdigest()


@dataclass(frozen=True, slots=True)
class _Making:
    """One set under way."""

    connection: Connection
    checked: _Checked
    file: ShopFile
    key: str

    def make(self) -> GeneratedCodes:
        """Make the set, or find it; in the caller's transaction, which begins and ends with it."""
        self.connection.execute(_LOAD["tune_load"])
        digest = hashlib.sha256(f"generated codes {self.key}".encode()).digest()
        self.connection.execute(_LOAD["lock_file"], {"lock": int.from_bytes(digest[:8], "big", signed=True)})
        if known := self.connection.execute(_SQL["find_set"], {"key": self.key}).fetchone():
            return self._found(known)
        before = self._drawn_before()
        self.checked.pattern.require_room(self.checked.terms.count, before)
        if self.checked.expires_at <= self._one(_LOAD["read_clock"], {})["now"]:
            msg = f"codes that expire {self.checked.terms.expires} are over already"
            raise ConfigurationError(msg)
        named = {"name": self.file.name, "sha256": digest, "time_zone": self.checked.terms.time_zone}
        file_id: int = self._one(_LOAD["add_file"], named)["code_file_id"]
        with self.file.reading() as there:
            sha256 = self._write(file_id) if there is None else self._take_up(file_id, there)
        self._note(file_id, sha256)
        return self._told(file_id, sha256, self.checked.terms.count + before, made=False, written=there is None)

    def agree(self, made: GeneratedCodes) -> GeneratedCodes:
        """Compare the file of a set that was made before, and write it again if it is gone.

        :raises ConfigurationError: another file lies there, or codes of the set belong to another file by now
        """
        with self.file.reading() as there:
            if there is not None:
                if _digest(there) != made.sha256:
                    raise self._another_file()
                return made
        with self.file.writing() as stream, self.connection.cursor() as cursor:
            out = _DigestedStream(stream)
            out.write(_HEADER)
            for row in cursor.stream(_SQL["codes_of_set"], {"code_file_id": made.code_file_id}):
                out.write(f"{row['code']}{self.checked.tail}".encode())
            if out.sha256.hexdigest() != made.sha256:
                raise self._cannot_be_written_again(made)
        return replace(made, written=True)

    def _write(self, file_id: int) -> bytes:
        with self.file.writing() as stream:
            out = _DigestedStream(stream)
            out.write(_HEADER)
            lacking = self.checked.terms.count
            while lacking:
                drawn = self.checked.pattern.draw(min(lacking, _DRAWN_AT_ONCE))
                added = self._add(file_id, drawn, self.checked.terms.count - lacking)
                out.write("".join([f"{code}{self.checked.tail}" for code in added]).encode())
                lacking -= len(added)
        return out.sha256.digest()

    def _take_up(self, file_id: int, stream: BinaryIO) -> bytes:
        """Add the codes of a file that a killed call has left."""
        sha256, taken = hashlib.sha256(), 0
        for codes in self._left_codes(stream, sha256):
            added = self._add(file_id, codes, taken)
            taken += len(added)
            if added != codes:
                raise self._another_file()
        if taken != self.checked.terms.count:
            raise self._another_file()
        return sha256.digest()

    def _left_codes(self, stream: BinaryIO, sha256: Any) -> Iterator[list[str]]:  # noqa: ANN401  (hashlib's has no name)
        tail = self.checked.tail.encode()
        header = stream.readline(len(_HEADER) + 1)
        sha256.update(header)
        longest = len(self.checked.terms.pattern.encode()) * 4 + len(tail)
        lines = iter(lambda: stream.readline(longest), b"")
        while chunk := list(islice(lines, _DRAWN_AT_ONCE)):
            if header != _HEADER or not all(line.endswith(tail) for line in chunk):
                raise self._another_file()
            sha256.update(b"".join(chunk))
            codes = [line[: -len(tail)].decode("utf-8", "replace") for line in chunk]
            if any(self.checked.pattern.others(codes)):
                raise self._another_file()
            yield codes

    def _add(self, file_id: int, codes: Iterable[str], lines: int) -> list[str]:
        terms = self.checked.terms
        row = {
            "code_file_id": file_id,
            "line": 1 + lines,
            "codes": list(codes),
            "expires_at": self.checked.expires_at,
            "discount": terms.discount,
            "type": terms.type,
        }
        added = self.connection.execute(_SQL["add_codes"], row).fetchall()
        added.sort(key=itemgetter("line"))
        if [one["line"] for one in added] != list(range(2 + lines, 2 + lines + len(added))):
            msg = "somebody added codes of this pattern at the same moment; nothing was made, try again"
            raise StoreUnavailableError(msg)
        return [one["code"] for one in added]

    def _note(self, file_id: int, sha256: bytes) -> None:
        row = {"code_file_id": file_id, "codes": self.checked.terms.count, "sha256": sha256}
        self.connection.execute(_SQL["finish_file"], row)
        named = {"key": self.key, "pattern": self.checked.pattern.text, "terms": Jsonb(asdict(self.checked.terms))}
        self.connection.execute(_SQL["add_set"], row | named)

    def _found(self, known: dict[str, Any]) -> GeneratedCodes:
        if known["terms"] != asdict(self.checked.terms):
            msg = f"the key {self.key} belongs to another set; give this one a key, or its file a name, of its own"
            raise ConfigurationError(msg)
        if known["withdrawn"]:
            msg = f"the set {self.key} was withdrawn; give a new one a key, or its file a name, of its own"
            raise ConfigurationError(msg)
        sha256 = bytes.fromhex(known["sha256"])
        return self._told(known["code_file_id"], sha256, self._drawn_before(), made=True, written=False)

    def _told(self, file_id: int, sha256: bytes, drawn: int, *, made: bool, written: bool) -> GeneratedCodes:
        return GeneratedCodes(
            file=self.file.name,
            key=self.key,
            codes=self.checked.terms.count,
            sha256=sha256.hex(),
            pattern=self.checked.pattern.text,
            guesses_per_hit=self.checked.pattern.guesses_per_hit(drawn),
            code_file_id=file_id,
            already_made=made,
            written=written,
        )

    def _drawn_before(self) -> int:
        codes: int = self._one(_SQL["count_drawn"], {"pattern": self.checked.pattern.text})["codes"]
        return codes

    def _one(self, query: str, values: dict[str, Any]) -> dict[str, Any]:
        return self.connection.execute(query, values).fetchall()[0]

    def _another_file(self) -> ConfigurationError:
        msg = (
            f"there is a file {self.file.name} already, and it is not that of this set, or its codes are in the pool "
            "from elsewhere; move it away, or give the new one another name"
        )
        return ConfigurationError(msg)

    def _cannot_be_written_again(self, made: GeneratedCodes) -> ConfigurationError:
        msg = (
            f"{made.file} is gone and cannot be written again, since another file changed codes of the set {self.key}: "
            f"generate one under another key, and withdraw this one with promo codes withdraw {made.code_file_id}"
        )
        return ConfigurationError(msg)
