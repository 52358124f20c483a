"""What blocks are given whose audience is known when the run is opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.dry_run import write_dry_run
from promo_campaigns.model.errors import StartRefusedError
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.parameters import optional_text, parse_choice, parse_deadline
from promo_campaigns.operators.base.campaign_operator import CampaignOperator
from promo_campaigns.operators.base.occurrence import read_occurrence, read_run_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.delivery.opening.start import StartRequest
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.preview.rows import PreviewReport


def with_audience(spec: RunSpec) -> RunSpec:
    """Return a definition with whom its audience names just now, if another database must be asked for that.

    :raises AirflowNotFoundException: there is no connection of that name
    :raises ConfigurationError: it takes no SQL
    :raises DefinitionError: the SELECT yields another table than a list of contacts
    """
    if not spec.audience.connection:
        return spec
    from promo_campaigns.hooks.other_database import ask_audience

    return replace(spec, audience=ask_audience(spec.audience))


class AudienceOperator(CampaignOperator):
    """A block of a campaign whose audience is a file or a list of contacts.

    :param audience: name of a file in ``include/audiences`` (templated)
    :param contact_ids: the audience itself, in place of a file (templated)
    :param edition: names a manual send, so that two clicks are one send (templated)
    :param send_by: after which nobody is sent anything: a time in ISO 8601 with an offset, or a span after the
        occurrence such as ``2h``, in m, h or d; what does not stand for a date is its own occurrence (templated)
    :param stock: what to do when the pool is too small: ``fail``; ``partial`` serves as many as there are codes for, in
        the order of contact ids, and skips the others (``no code``), whom mode ``missing`` reaches later; ``wait``
        opens nothing before, and looks again every five minutes (templated)
    :param preview_folder: where previews go, on any storage; by default option ``[promo_campaigns] preview_folder``,
        else ``previews`` beside the DAGs (templated)
    """

    template_fields: Sequence[str] = (
        *CampaignOperator.template_fields,
        "audience",
        "contact_ids",
        "edition",
        "send_by",
        "stock",
        "preview_folder",
    )

    def __init__(
        self,
        *,
        audience: str = "",
        contact_ids: Sequence[int] | str = (),
        edition: str = "",
        send_by: str = "",
        stock: str = "fail",
        preview_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.audience = audience
        self.contact_ids = contact_ids
        self.edition = edition
        self.send_by = send_by
        self.stock = stock
        self.preview_folder = preview_folder

    def read_definition(self, context: Context) -> RunSpec:
        """Read the definition of the run, as ``read_spec`` does, and ask another database for its audience, if need be.

        :raises DefinitionError: see ``with_audience``
        """
        spec = self.read_spec(context, optional_text(self.audience), self.contact_ids)
        return with_audience(spec)

    def read_request(self, context: Context, spec: RunSpec) -> StartRequest:
        """Read how the run is to be opened."""
        from promo_campaigns.delivery.opening.start import StartRequest

        return StartRequest(
            run_key=read_run_key(context, spec.workflow, self.edition),
            send_by=parse_deadline("send_by", self.send_by, occurrence=read_occurrence(context)),
            stock_policy=parse_choice(StockPolicy, "stock", self.stock),
        )

    def write_preview(self, context: Context) -> PreviewReport:
        """Write what the run would do to each contact, as CSV and, with pyarrow, as Parquet."""
        from promo_campaigns.delivery.compiled_campaign import CompiledCampaign

        spec = self.read_definition(context)
        request = self.read_request(context, spec)
        with self.hook.connect() as connection:
            report = write_dry_run(
                connection,
                CompiledCampaign(spec),
                run_key=request.run_key,
                start=request,
                preview_folder=optional_text(self.preview_folder),
                include_folder=self.include_folder,
            )
        self.log.info("Preview of %d contacts: %s; see %s", report.contacts, report.states, ", ".join(report.files))
        for note in report.notes:
            self.log.info("Note: %s", note)
        return report


def require_startable(report: PreviewReport) -> None:
    """Fail where Start would refuse.

    :raises StartRefusedError: naming all it would refuse the run for
    """
    if report.refusals:
        raise StartRefusedError(report.refusals, report.files)
