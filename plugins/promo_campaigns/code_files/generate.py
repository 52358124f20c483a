"""Generates codes into the pool and into a file for the shop."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from psycopg.types.json import Jsonb

from promo_campaigns.code_files.code_terms import CheckedTerms, check_terms
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promo_campaigns.code_files.code_terms import CodeTerms
    from promo_campaigns.code_files.shop_file import ShopFile
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LOAD = queries("promo_campaigns.code_files.load")
_DRAWN_AT_ONCE = 200_000
_FIRST_LINE = 2
_BLOCK_BYTES = 1 << 20


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
    """
    checked = check_terms(terms)
    making = _Making(connection, checked, file, key or file.name)
    with audited(connection, "export", f"generated codes {making.key}", revealed=True, actor=actor) as entry:
        with connection.transaction():
            made = making.make()
        if made.already_made:
            made = making.agree(made)
        entry.rows = made.codes if made.written else 0
    return made


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
    checked: CheckedTerms
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
            out.write(self.checked.header)
            for row in cursor.stream(_SQL["codes_of_set"], {"code_file_id": made.code_file_id}):
                out.write(f"{row['code']}{self.checked.tail}".encode())
            if out.sha256.hexdigest() != made.sha256:
                raise self._cannot_be_written_again(made)
        return replace(made, written=True)

    def _write(self, file_id: int) -> bytes:
        with self.file.writing() as stream:
            out = _DigestedStream(stream)
            out.write(self.checked.header)
            for made in range(0, self.checked.terms.count, _DRAWN_AT_ONCE):
                codes = self._draw(file_id, made, min(self.checked.terms.count - made, _DRAWN_AT_ONCE))
                tail = self.checked.tail
                out.write(tail.join([*codes, ""]).encode())
        return out.sha256.digest()

    def _draw(self, file_id: int, made: int, count: int) -> list[str]:
        """Add so many new codes, and return them; for each that the pool holds already another is drawn."""
        codes = self.checked.pattern.draw(count)
        lines = list(range(_FIRST_LINE + made, _FIRST_LINE + made + count))
        asked = dict(zip(lines, codes, strict=True))
        while self._add(file_id, asked) < len(asked):
            rows = self.connection.execute(_SQL["lacking_lines"], self._rows(file_id, asked)).fetchall()
            lacking = [row["line"] for row in rows]
            asked = dict(zip(lacking, self.checked.pattern.draw(len(lacking)), strict=True))
            for line, code in asked.items():
                codes[line - lines[0]] = code
        return codes

    def _take_up(self, file_id: int, stream: BinaryIO) -> bytes:
        """Add the codes of a file that a killed call has left."""
        sha256, taken = hashlib.sha256(), 0
        for codes in self._left_codes(stream, sha256):
            asked = dict(enumerate(codes, _FIRST_LINE + taken))
            taken += len(codes)
            if self._add(file_id, asked) < len(codes):
                raise self._another_file()
        if taken != self.checked.terms.count:
            raise self._another_file()
        return sha256.digest()

    def _left_codes(self, stream: BinaryIO, sha256: Any) -> Iterator[list[str]]:  # noqa: ANN401  (hashlib's has no name)
        tail = self.checked.tail.encode()
        header = stream.readline(len(self.checked.header) + 1)
        sha256.update(header)
        longest = len(self.checked.terms.pattern.encode()) * 4 + len(tail)
        lines = iter(lambda: stream.readline(longest), b"")
        while chunk := list(islice(lines, _DRAWN_AT_ONCE)):
            if header != self.checked.header or not all(line.endswith(tail) for line in chunk):
                raise self._another_file()
            sha256.update(b"".join(chunk))
            codes = [line[: -len(tail)].decode("utf-8", "replace") for line in chunk]
            if any(self.checked.pattern.others(codes)):
                raise self._another_file()
            yield codes

    def _add(self, file_id: int, codes: Mapping[int, str]) -> int:
        """Add codes by their lines, and return how many the pool did not hold."""
        return self.connection.execute(_SQL["add_codes"], self._rows(file_id, codes)).rowcount

    def _rows(self, file_id: int, codes: Mapping[int, str]) -> dict[str, Any]:
        """Return codes in the order of the unique index: of one pattern, it is that of the codes themselves."""
        terms = self.checked.terms
        lines = sorted(codes, key=codes.__getitem__)
        return {
            "code_file_id": file_id,
            "codes": text_array(codes[line] for line in lines),
            "lines": bigint_array(lines),
            "expires_at": self.checked.expires_at,
            "discount": terms.discount,
            "type": terms.type,
            "attributes": self.checked.attributes,
            "starts_at": self.checked.starts_at,
        }

    def _note(self, file_id: int, sha256: bytes) -> None:
        row = {"code_file_id": file_id, "codes": self.checked.terms.count, "sha256": sha256}
        self.connection.execute(_SQL["finish_file"], row)
        named = {"key": self.key, "pattern": self.checked.pattern.text, "terms": Jsonb(self.checked.terms.as_dict())}
        self.connection.execute(_SQL["add_set"], row | named)

    def _found(self, known: dict[str, Any]) -> GeneratedCodes:
        if known["terms"] != self.checked.terms.as_dict():
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
