"""Writes include/samples/contacts.csv: invented people, always the same ones.

Addresses are of domains that RFC 2606 reserves and numbers of ranges set aside for fiction (555-01xx in North America,
7700 900xxx in Britain): nothing can be sent to anybody.
"""

from __future__ import annotations

import base64
import csv
import io
import random
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "include" / "samples" / "contacts.csv"
REACHABLE = 1000
UNREACHABLE = 10

_HEADER = ("externalId", "firstName", "lastName", "language", "email", "sms", "mobilepush")
_FIRST = """
Ada Amara Anton Bilal Carla Chen Daria Diego Elif Emil Farah Felix Greta Hana Hugo Ines Ivan Jonas Kaito Kira Lena Leo
Lucia Mads Maya Milan Nadia Nils Noor Olena Omar Petra Quinn Rania Rosa Sami Sofia Taras Tomas Uma Vera Viktor Wanda
Yara Yusuf Zoltán Остап Соломія Ярина
""".split()  # noqa: SIM905  (a list literal would take a line a name)
_LAST = """
Abara Aldin Bergmann Brook Castell Dahl Demir Eklund Falk Farrow Gallo Haddad Hale Holm Ibarra Ito Janda Keller Kovač
Larsen Lindqvist Marlow Mendes Moreau Nakagawa Novak O'Dell Okoro Ortega Palmer Petrenko Quist Rahimi Rossi Sato Sauer
Silva Tamm Ueda Varga Vidal Weiss Winter Yilmaz Young Zeller Гнатюк Мельник Шевчук
""".split()  # noqa: SIM905  (the same)
_LANGUAGES = ("en", "en", "en", "uk", "de", "es")
_DOMAINS = ("example.com", "example.net", "example.org")


def sample_contacts() -> str:
    """Return the file's text."""
    chance = random.Random(20300101)  # noqa: S311  (the same sample each time is the point)
    total = REACHABLE + UNREACHABLE
    unreachable = set(range(50, total, total // UNREACHABLE))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for number in range(total):
        channels = ("", "", "") if number in unreachable else _channels(chance, number)
        names = (chance.choice(_FIRST), chance.choice(_LAST), chance.choice(_LANGUAGES))
        writer.writerow((f"sample-{number + 1:04}", *names, *channels))
    return text.getvalue()


def _channels(chance: random.Random, number: int) -> tuple[str, str, str]:
    email = f"sample.{number + 1:04}@{chance.choice(_DOMAINS)}" if chance.random() < 0.95 else ""
    phone = _phone(number) if chance.random() < 0.85 else ""
    token = base64.urlsafe_b64encode(chance.randbytes(33)).decode()
    return email, phone, token


def _phone(number: int) -> str:
    return f"447700900{number // 2:03}" if number % 2 else f"1{202 + number // 100}55501{number % 100:02}"


if __name__ == "__main__":
    SAMPLE.write_text(sample_contacts(), encoding="utf-8")
