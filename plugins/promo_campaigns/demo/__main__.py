"""The command line of ``bin/demo``, once the packages are installed."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.demo.interruption import Interruption
from promo_campaigns.demo.showing import Showing
from promo_campaigns.local_airflow.layout import Layout
from promo_campaigns.local_airflow.supervisor import Supervisor
from promo_campaigns.model.errors import DemoError, PromoError
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FAILED = 2


@contextmanager
def _only_one(layout: Layout) -> Iterator[None]:
    """Make sure that only one demo runs in this checkout.

    :raises DemoError: another one runs
    """
    layout.state.mkdir(mode=0o755, exist_ok=True)
    with layout.lock.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            message = f"bin/demo runs already in this folder (process {held.read().strip()}). Stop that one first"
            raise DemoError(message) from None
        held.seek(0)
        held.truncate()
        held.write(str(os.getpid()))
        held.flush()
        yield


def _clean(layout: Layout) -> int:
    """Stop what an earlier demo left, and remove everything it made."""
    if layout.state.is_dir():
        with _only_one(layout):
            Supervisor(layout).sweep()
            EmbeddedPostgres(layout.postgres).remove()
            shutil.rmtree(layout.state)
    print(f"{layout.state} is removed.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo in the checkout of the current folder, and return the exit status."""
    parser = argparse.ArgumentParser(prog="bin/demo", description="Show the whole product on this machine.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--once", action="store_true", help="check the result and stop; exit status 0 only if every check holds"
    )
    what.add_argument("--clean", action="store_true", help="remove everything that earlier demos made")
    arguments = parser.parse_args(argv)
    layout = Layout(Path.cwd())
    interruption = Interruption()
    try:
        if arguments.clean:
            return _clean(layout)
        with _only_one(layout):
            interruption.install()
            return Showing(layout, interruption).show(once=arguments.once)
    except PromoError as error:
        print(f"bin/demo: {error}", file=sys.stderr)
        return _FAILED


if __name__ == "__main__":
    sys.exit(main())
