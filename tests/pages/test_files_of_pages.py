"""The files of the pages: under a path that changes with them, and kept by browsers only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.ui.static_files import version

if TYPE_CHECKING:
    from pages.pages_site import Site


def test_a_file_is_kept_for_ever_under_the_present_version_and_asked_for_again_under_another(site: Site) -> None:
    present = site.client.get(f"/promo/static/{version()}/icon.svg")
    assert present.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    former = site.client.get("/promo/static/0123456789ab/icon.svg")
    assert former.headers["Cache-Control"] == "no-cache"
    assert present.content == former.content
    assert present.headers["Content-Type"].startswith("image/svg")


def test_nothing_else_of_the_package_is_served(site: Site) -> None:
    for path in ("x/../../app.py", "x/%2e%2e/%2e%2e/app.py", "x/none.js", "icon.svg", ""):
        assert site.client.get(f"/promo/static/{path}").status_code in {404, 405}, path
