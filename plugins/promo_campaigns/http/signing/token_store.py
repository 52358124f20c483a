"""An access token that tasks of one account on one machine share, in a file that nobody else can read or use.

It is shared where that is safe: in a folder that only the account may enter, sealed with a key that is made of the
client's secret. Who has the file and not the secret has nothing; who has the secret could ask for a token anyway. A
folder that somebody else has made, or may enter, is not used, and each task then has a token of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

_KEY_BYTES, _NAME_BYTES = 32, 16


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token. Never logged.

    :ivar good_until: seconds of the wall clock, a little before it ends
    """

    value: str = field(repr=False)
    good_until: float

    @property
    def is_good(self) -> bool:
        """Whether it may be used for another call."""
        return time.time() < self.good_until


class TokenStore:
    """The token of one client, scope and token server.

    :param secret: the client's
    :param facts: what else makes two tokens different
    """

    def __init__(self, secret: str, *facts: str) -> None:
        self._secret, self._facts = secret, facts

    def read(self) -> AccessToken | None:
        """Return the token that another task has left; None if there is none that is good."""
        folder = _own_folder()
        if folder is None:
            return None
        try:
            told = json.loads(self._seal.decrypt((folder / self._name).read_bytes()))
            token = AccessToken(str(told["token"]), float(told["good_until"]))
        except (OSError, InvalidToken, ValueError, KeyError, TypeError):
            return None
        return token if token.is_good else None

    def write(self, token: AccessToken) -> None:
        """Leave a token for other tasks, whole or not at all; without a folder for it nothing is left."""
        folder = _own_folder()
        if folder is None:
            return
        sealed = self._seal.encrypt(json.dumps({"token": token.value, "good_until": token.good_until}).encode())
        with suppress(OSError):
            number, path = tempfile.mkstemp(dir=folder)
            with os.fdopen(number, "wb") as file:
                file.write(sealed)
            Path(path).replace(folder / self._name)

    @cached_property
    def _made(self) -> bytes:
        """Bytes that nobody makes without the secret, for the key and the file's name; slow to guess by trying."""
        salt = hashlib.sha256("\0".join(self._facts).encode()).digest()
        return hashlib.scrypt(self._secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=_KEY_BYTES + _NAME_BYTES)

    @property
    def _seal(self) -> Fernet:
        return Fernet(urlsafe_b64encode(self._made[:_KEY_BYTES]))

    @property
    def _name(self) -> str:
        return f"{self._made[_KEY_BYTES:].hex()}.token"


def _own_folder() -> Path | None:
    """Return the folder of this account's tokens; None if it is anybody else's as well."""
    folder = Path(tempfile.gettempdir()) / f"promo-campaigns-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder if is_ours else None
