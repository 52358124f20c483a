"""Answers that come packed: gzip and deflate are read, within a limit, and anything else is told."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.http.content_encoding import decoded

POINTS = b'{"points": 5}'


def gzipped(body: bytes) -> bytes:
    """Return the body packed without a time, so that each of the suite's processes makes the same of it."""
    return gzip.compress(body, mtime=0)


def raw(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", POINTS),
        ("identity", POINTS),
        ("gzip", gzipped(POINTS)),
        ("GZIP", gzipped(POINTS)),
        ("UTF-8", POINTS),
        ("gzip, utf-8", gzipped(POINTS)),
        ("binary", POINTS),
        ("application/json", POINTS),
        ("x-gzip", gzipped(POINTS)),
        ("gzip", gzipped(POINTS[:5]) + gzipped(POINTS[5:])),
        ("deflate", zlib.compress(POINTS)),
        ("deflate", raw(POINTS)),
        ("deflate, gzip", gzipped(zlib.compress(POINTS))),
    ],
)
def test_a_packed_answer_is_read(encoding: str, packed: bytes) -> None:
    assert decoded(packed, encoding, most=1000) == (POINTS, "")


@pytest.mark.parametrize(
    ("encoding", "packed", "why"),
    [
        ("br", b"\x8b\x02", "encoded as br, which is not read"),
        ("gzip", POINTS, "is no gzip"),
        ("gzip", b"", "breaks off"),
        ("gzip", gzipped(POINTS)[:-9], "breaks off"),
        ("gzip", gzipped(b" " * 5000), "larger than 1,000 bytes"),
        ("gzip", gzipped(gzipped(b"")) * 3, ""),
    ],
)
def test_an_answer_that_cannot_be_read_says_why(encoding: str, packed: bytes, why: str) -> None:
    body, unread = decoded(packed, encoding, most=1000)
    assert why in unread
    assert len(body) <= 1000


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "gzip, deflate"]), st.integers(1, 100))
def test_whatever_comes_is_cut_at_the_limit_and_raises_nothing(body: bytes, encoding: str, most: int) -> None:
    found, _ = decoded(body, encoding, most=most)
    assert len(found) <= most
