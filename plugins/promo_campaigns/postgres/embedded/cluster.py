"""Makes a new, empty database cluster."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ServerError

if TYPE_CHECKING:
    from promo_campaigns.postgres.embedded.account import Account
    from promo_campaigns.postgres.embedded.binaries import PostgresBinaries

_BUILTIN_LOCALE_SINCE = 17
_SCRAM_ITERATIONS_SINCE = 16


@dataclass(frozen=True)
class Secret:
    """The name and password of the cluster's owner."""

    user: str
    password: str = field(repr=False)


def make_cluster(binaries: PostgresBinaries, account: Account, data: Path, owner: Secret, *, durable: bool) -> None:
    """Make a cluster at ``data``; an interrupted attempt leaves nothing that looks like one.

    :raises ServerError: ``initdb`` failed; the message holds its last words
    """
    work = Path(tempfile.mkdtemp(prefix="initdb-", dir=data.parent))
    try:
        account.own(work)
        secret = work / "password"
        secret.touch(mode=0o600)
        secret.write_text(owner.password)
        account.own(secret)
        command = [str(binaries.bin / "initdb"), "-D", str(work / "data"), *_options(binaries.major)]
        command += [f"--username={owner.user}", f"--pwfile={secret}"]
        if not durable:
            command += _hasty_options(binaries.major)
        options = account.process_options()
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603  (the programs that were found)
        if done.returncode != 0:
            message = f"initdb could not make a database cluster in {data.parent}: {done.stderr.strip()[-500:]}"
            raise ServerError(message)
        (work / "data").rename(data)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _options(major: int) -> list[str]:
    """Return what makes text compare the same on every operating system, and every connection need a password."""
    same = ["--auth=scram-sha-256", "--encoding=UTF8"]
    if major < _BUILTIN_LOCALE_SINCE:
        return [*same, "--locale=C.UTF-8"]
    return [*same, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _hasty_options(major: int) -> list[str]:
    """Return what makes data that nobody will miss sooner there, and sooner entered.

    A random password needs no iterations against guesses, and both sides pay for them at each connection.
    """
    return ["--no-sync", *(["--set=scram_iterations=1"] if major >= _SCRAM_ITERATIONS_SINCE else [])]
