"""Codes made for the pool and the shop."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.page_links import CodesPageLink
from promo_campaigns.model.parameters import optional_text, whole_number
from promo_campaigns.model.redaction import printable_name
from promo_campaigns.operators.assets import POOLS, PROMO_CODES, member
from promo_campaigns.operators.base.lineage import Lineage
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class GeneratePromoCodesOperator(StoreOperator):
    """Makes a set of codes: into the pool, and as a code file for the shop.

    The same ``key`` makes one set: a task that is retried, cleared or run a second time makes no other codes, and
    writes the file again if it is gone. A set that is wanted for each occurrence has the occurrence in its name, such
    as ``spring-{{ ds }}.csv``. The file has its name before the codes can be given out.

    Returns: file, key, codes, sha256, pattern, guesses_per_hit, code_file_id, already_made, written. Emits an event of
    the asset ``promo_codes``, and of ``promo_codes/<type>``.

    :param count: how many codes (templated)
    :param type: their type (templated)
    :param discount: 0 to 99 (templated)
    :param expires: their expiration date, in a format of code files (templated)
    :param pattern: such as ``SPRING-????-????``; each ``?`` is drawn (templated)
    :param file: where the file for the shop shall lie, on any storage that ``ObjectStoragePath`` reaches (templated)
    :param key: what makes two calls the same set; by default the name of the file (templated)
    :param time_zone: IANA name of the zone in which the dates are read (templated)
    :param starts: before when they are not given, in a format of code files (templated)
    :param attributes: what their contacts must have, such as ``{"store": "Kyiv"}`` (templated)
    :param promo_db_conn_id: connection of the store (templated)
    :raises ConfigurationError: the pattern is too small, the key belongs to another set, or another file lies there
    """

    template_fields: Sequence[str] = (
        "count",
        "type",
        "discount",
        "expires",
        "pattern",
        "file",
        "key",
        "time_zone",
        "starts",
        "attributes",
        "promo_db_conn_id",
    )
    operator_extra_links = (CodesPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(
        self,
        *,
        count: int | str,
        type: str,  # noqa: A002  (the name of the column)
        discount: int | str,
        expires: str,
        pattern: str,
        file: str,
        key: str = "",
        time_zone: str = "UTC",
        starts: str = "",
        attributes: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"outlets": [POOLS, PROMO_CODES]} | kwargs)
        self.count = count
        self.type = type
        self.discount = discount
        self.expires = expires
        self.pattern = pattern
        self.file = file
        self.key = key
        self.time_zone = time_zone
        self.starts = starts
        self.attributes = attributes

    @property
    def mapped_name(self) -> str:
        """The name of the file."""
        return printable_name(str(self.file).rpartition("/")[2])

    def get_openlineage_facets_on_complete(self, task_instance: object) -> Any:  # noqa: ARG002  (OpenLineage's)
        """Tell OpenLineage into which pool and file codes were drawn."""
        return Lineage(store=self.promo_db_conn_id, writes=[f"codes/{self.type}"], written_files=[self.file]).told()

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the set, or find it."""
        from promo_campaigns.code_files.code_terms import MOST_CODES, CodeTerms
        from promo_campaigns.code_files.generate import generate_codes
        from promo_campaigns.hooks.shop_file import shop_file

        terms = CodeTerms(
            count=whole_number("count", self.count, least=1, most=MOST_CODES),
            pattern=self.pattern,
            type=self.type,
            discount=whole_number("discount", self.discount, least=0, most=99),
            expires=str(self.expires),
            time_zone=self.time_zone,
            starts=optional_text(self.starts),
            attributes=self.attributes or {},
        )
        with self.hook.connect() as connection:
            made = generate_codes(connection, terms, shop_file(self.file), key=optional_text(self.key))
        context["outlet_events"][PROMO_CODES].add(member(PROMO_CODES, self.type))
        self.log.info(
            "%s: %s codes, %s; one guess in %s hits one",
            printable_name(made.file),
            f"{made.codes:,}",
            "made before" if made.already_made else "made",
            f"{made.guesses_per_hit:,}",
        )
        return asdict(made)
