"""The Approve block."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk.exceptions import AirflowSkipException

from promo_campaigns.delivery.batch_payload import MAX_RUN_ID, NO_RUN
from promo_campaigns.hooks.dry_run import write_dry_run
from promo_campaigns.model.approval import ApprovalStatus, OnTimeout
from promo_campaigns.model.parameters import optional_text, parse_choice, parse_names, parse_span, whole_number
from promo_campaigns.operators.base.rescheduling import skipped_if_cancelled
from promo_campaigns.operators.base.run_page import RunPageLink
from promo_campaigns.operators.base.store_operator import StoreOperator
from promo_campaigns.preview.approval_form import approval_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.model.approval import Approval
    from promo_campaigns.postgres.connection import Connection


class ApproveRunOperator(StoreOperator, ApprovalOperator):
    """Previews the open run and asks a person to approve it; before that, nobody of it is given a code.

    It stands between Start and the batches. The form shows counts; definition and audience are those of the run, frozen
    when Start opened it. No worker waits for the answer. A run that is refused is closed by End: everybody in it
    is skipped, ``not approved``. What was said of a run stands until it is closed and run again, when it is asked anew.
    Nobody is asked about a run that is closed, in which nobody waits, or whose send-by has passed.

    Returns ``{"run_id": 7, "run_key": …, "approval": "given", "by": "anna", "at": …}``.

    :param run_id: the run, ``start.run`` (templated)
    :param approvers: ids of the users who may answer, as Airflow's auth manager knows them; by default all who may
        answer in Airflow (templated)
    :param timeout: how long an answer is waited for, such as ``24h``, in m, h or d; never longer than until the run's
        send-by; by default for ever (templated)
    :param on_timeout: what it means that nobody answers in time: ``reject`` or ``approve`` (templated)
    :param preview_folder: where the preview goes, as in the Start block (templated)
    :param include_folder: where examples of answers are found, as in the Start block
    :param promo_db_conn_id: connection of the store (templated)
    :raises AirflowSkipException: nothing was opened, as in a dry run; or the run was cancelled, which is seen when the
        form is answered or its time is over: Airflow looks at it at no other moment
    :raises LedgerConflictError: the run was opened when nobody was to be asked about it
    """

    template_fields: Sequence[str] = (
        "run_id",
        "approvers",
        "timeout",
        "on_timeout",
        "preview_folder",
        "promo_db_conn_id",
    )
    operator_extra_links = (RunPageLink(),)
    ui_color = "#f4e7fb"

    def __init__(
        self,
        *,
        run_id: Any,
        approvers: Sequence[str] | str = (),
        timeout: str = "",
        on_timeout: str = "reject",
        preview_folder: str | None = None,
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(subject="", **kwargs)
        self.run_id = run_id
        self.approvers = approvers
        self.timeout = timeout
        self.on_timeout = on_timeout
        self.preview_folder = preview_folder
        self.include_folder = include_folder

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, unless it is known already."""
        from promo_campaigns.delivery.opening.approval import read_open_approval

        run_id = self._opened_run()
        with skipped_if_cancelled(), self.hook.connect() as connection:
            approval = read_open_approval(connection, run_id)
            if approval.settled or not self._fill_in(connection, approval):
                self.log.info("Nobody is asked about run %s", approval.run_key)
                return self._go_on(context, approval)
        asked: dict[str, Any] = super().execute(context)
        return asked

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Keep the answer in the ledger, and go on as it says."""
        from promo_campaigns.delivery.opening.approval import require_not_cancelled
        from promo_campaigns.ledger.approvals import decide

        run_id = self._opened_run()
        with skipped_if_cancelled(), self.hook.connect() as connection:
            require_not_cancelled(connection, run_id)
        answer = HITLOperator.execute_complete(self, context, event)
        who = answer["responded_by_user"] or {}
        approved = answer["chosen_options"] == [self.APPROVE]
        with self.hook.connect() as connection:
            return self._go_on(context, decide(connection, run_id, approved=approved, by=str(who.get("id", ""))))

    def _opened_run(self) -> int:
        run_id = whole_number("run_id", self.run_id, least=NO_RUN, most=MAX_RUN_ID)
        if run_id == NO_RUN:
            msg = "nothing was opened, so there is nothing to approve"
            raise AirflowSkipException(msg)
        return run_id

    def _fill_in(self, connection: Connection, approval: Approval) -> bool:
        """Fill in the form from a dry run of those who wait, and tell whether there is anybody to ask about."""
        from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
        from promo_campaigns.delivery.opening.start import StartRequest
        from promo_campaigns.ledger.approvals import count_left_out
        from promo_campaigns.ledger.runs import read_run

        self._set_answers(approval)
        run = read_run(connection, approval.run_id)
        report = write_dry_run(
            connection,
            CompiledCampaign(run.spec),
            run_key=run.run_key,
            start=StartRequest(run_key=run.run_key, send_by=run.send_by),
            run_id=run.run_id,
            preview_folder=optional_text(self.preview_folder),
            include_folder=self.include_folder,
        )
        self.subject, self.body = approval_form(run.spec, run.run_key, report, count_left_out(connection, run.run_id))
        return report.contacts > 0

    def _set_answers(self, approval: Approval) -> None:
        """Say who may answer, until when, and what it means that nobody does."""
        on_timeout = parse_choice(OnTimeout, "on_timeout", self.on_timeout)
        self.defaults = [self.APPROVE if on_timeout is OnTimeout.APPROVE else self.REJECT]
        self.assigned_users = [{"id": name, "name": name} for name in parse_names("approvers", self.approvers)]
        waited = parse_span("timeout", self.timeout) if optional_text(self.timeout) else None
        until_send_by = None if approval.left_s is None else timedelta(seconds=approval.left_s)
        spans = [span for span in (waited, until_send_by, self.response_timeout) if span is not None]
        self.response_timeout = min(spans, default=None)

    def _go_on(self, context: Context, approval: Approval) -> dict[str, Any]:
        """Let the batches run, or skip them."""
        self.log.info("Run %s: approval %s, by %s", approval.run_key, approval.status, approval.by or "nobody")
        if approval.status is ApprovalStatus.REFUSED:
            self.skip(ti=context["ti"], tasks=context["task"].get_direct_relatives(upstream=False))
        return approval.as_dict()
