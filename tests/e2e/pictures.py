"""Takes the pictures of the documents, and counts the clicks of a day's work: `make pictures`.

    PYTHONPATH=plugins:tests python -m e2e.pictures [--codes 1000000]

A campaign manager works through a day in a real browser, over a real Airflow and a store of so many codes. Each step is
pictured into docs/pictures, and the clicks that it took are written below its picture in docs/days-work.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from benchmarks.large_store import POOLS, Sizes, fill
from e2e.browser import running_browser, sign_in
from e2e.day import Day
from e2e.promo_pages import PATIENCE_MS, PromoPages
from promo_campaigns.local_airflow.credentials import USER
from promo_campaigns.postgres.connection import connect
from receiver import running_receiver
from system.airflow_cluster import CHECKOUT, airflow_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import Browser, Page, StorageState, ViewportSize

    from system.airflow_cluster import AirflowCluster

DOCS = CHECKOUT / "docs"
PICTURES = DOCS / "pictures"
PAGE = DOCS / "days-work.md"
CLICKS = r"(\(pictures/{name}\.png\)\n\n)\*[^*\n]*\*"
"""The line below a picture that says how many clicks its step took."""
MANAGER = "marta"
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
WORKFLOWS = ("welcome_push", "welcome_mail", "birthday_push", "birthday_mail", "loyalty_push", "loyalty_mail")
WORKFLOW = """\
name: {name}
description: {description}
audience: {audience}
promo_code: {{type: {kind}, discount: {discount}, days: 7}}
message: {message}
"""
LEVELS = """\
Welcome: {warning: 1000, alarm: 100}
Birthday: {warning: 300000, alarm: 50}
"""

STEPS: dict[str, Callable[[Day], None]] = {
    "home": Day.look_at_home,
    "upload": Day.upload,
    "codes": Day.see_stock,
    "message": Day.see_message,
    "dry-run": Day.dry_run,
    "test-send": Day.test_send,
    "effect": Day.read_effect,
    "run": Day.trigger,
    "finished": Day.see_end,
    "export": Day.export,
    "who": Day.find,
    "attempts": Day.see_attempts,
    "unknown": Day.decide_unknown,
}
"""What is done, by the name of the picture that is taken then."""
SHOWN = {"upload": "Add codes", "message": "What the contact sees"}
"""Which part of the page a picture shows, where it is not the top."""
OTHERS: dict[str, dict[str, Any]] = {
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"viewport": PHONE, "has_touch": True},
}
"""The picture of a run under way on other screens."""


@contextmanager
def running(folder: Path, sizes: Sizes) -> Iterator[AirflowCluster]:
    """Run Airflow over a store of these sizes, with workflows of several kinds."""
    names = ("load_promo_codes.py", "check_code_stock.py", "workflows.py")
    dags = {name: (CHECKOUT / "dags" / name).read_text(encoding="utf-8") for name in names}
    include = {"stock_levels.yaml": LEVELS}
    for name, (kind, discount) in list(zip(WORKFLOWS, POOLS, strict=False))[2:]:
        by = "push" if name.endswith("push") else "mail"
        include[f"workflows/{name}.yaml"] = WORKFLOW.format(
            name=f"{kind} by {'push' if by == 'push' else 'e-mail'}",
            description=f"A code of {discount} % off",
            audience="with_push_token" if by == "push" else "all_contacts",
            kind=kind,
            discount=discount,
            message=f"promo_{by}",
        )
    with running_receiver() as receiver:
        variables = {
            "AIRFLOW_CONN_PROMO_PROFILE_API": receiver.connection,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{MANAGER}:op",
        }
        with airflow_cluster(folder, dags, variables, include) as cluster:
            with connect(cluster.promo_dsn) as store:
                fill(store, sizes, WORKFLOWS)
            for dag_id in ("load_promo_codes", "welcome_push", "check_code_stock"):
                cluster.unpause(dag_id)
            cluster.api.trigger("check_code_stock", "this_morning", {})
            cluster.run_to_end("check_code_stock", "this_morning")
            yield cluster


def take(browser: Browser, cluster: AirflowCluster, folder: Path, live: int) -> dict[str, int]:
    """Live through the day, and return the clicks of each step."""
    kept = sign_in(browser, cluster, MANAGER)
    context = browser.new_context(storage_state=kept, base_url=cluster.url, viewport=DESK, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    day = Day(page, folder, live)
    clicks = {}
    for name, step in STEPS.items():
        before = day.promo.clicks
        step(day)
        picture(page, name)
        if name == "run":
            others(browser, cluster, kept, page.url)
        clicks[name] = day.promo.clicks - before
        sys.stdout.write(f"{name}: {clicks_text(clicks[name])}\n")
        sys.stdout.flush()
    context.close()
    return clicks


def others(browser: Browser, cluster: AirflowCluster, kept: StorageState, url: str) -> None:
    """Picture what is open now on other screens."""
    for name, options in OTHERS.items():
        context = browser.new_context(storage_state=kept, base_url=cluster.url, locale="en-GB", **options)
        page = context.new_page()
        page.goto(url)
        expect(PromoPages(page).section("How far it is")).to_be_visible(timeout=PATIENCE_MS)
        picture(page, name)
        context.close()


def picture(page: Page, name: str) -> None:
    """Take a picture, once nothing moves and no note is in the way."""
    if name in SHOWN:
        PromoPages(page).section(SHOWN[name]).evaluate("(element) => element.scrollIntoView({block: 'start'})")
    expect(page.locator("[data-scope=toast][data-part=root]")).to_have_count(0)
    page.screenshot(path=PICTURES / f"{name}.png", scale="css", animations="disabled", caret="hide")


def page_with(text: str, clicks: Mapping[str, int]) -> str:
    """Return the text of the page with the clicks below each picture, and the whole day's in the place for them.

    :raises ValueError: the page has not exactly one place for the clicks of a picture
    """
    for name, number in clicks.items():
        text, places = re.subn(CLICKS.format(name=name), rf"\1*{clicks_text(number)}*", text)
        if places != 1:
            msg = f"{PAGE.name} must have one picture pictures/{name}.png with a line in italics below it"
            raise ValueError(msg)
    return re.sub(r"\*\*\d+ clicks\*\*", f"**{sum(clicks.values())} clicks**", text)


def clicks_text(clicks: int) -> str:
    """Return a number of clicks as a sentence."""
    return "No click." if clicks == 0 else f"{clicks} click{'' if clicks == 1 else 's'}."


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="e2e.pictures", description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=1_000_000)
    codes = parser.parse_args().codes
    PICTURES.mkdir(exist_ok=True)
    sizes = Sizes(codes=codes, rows=codes // 10, runs=1_000)
    with tempfile.TemporaryDirectory(prefix="promo-pictures-") as name, running_browser() as browser:
        folder = Path(name)
        (folder / "files").mkdir()
        (folder / "airflow").mkdir()
        with running(folder / "airflow", sizes) as cluster:
            clicks = take(browser, cluster, folder / "files", sizes.runs)
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), clicks), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
