"""Promo-code campaigns for Apache Airflow.

What authors of DAGs and transports need is offered here by its name, and loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.delivery.transports.base import BaseTransport, TransportSettings
    from promo_campaigns.delivery.transports.http_transport import HttpTransport
    from promo_campaigns.frames.promo_store import PromoStore
    from promo_campaigns.hooks.data_source import DataSourceHook
    from promo_campaigns.hooks.store import PromoStoreHook
    from promo_campaigns.model.errors import (
        CallRefusedError,
        CannotCarryError,
        CodeFileError,
        CodeFileRejectedError,
        ConfigurationError,
        ContactError,
        ContactFileError,
        ContactHeldError,
        DatabaseNotFoundError,
        DatabaseUnavailableError,
        DefinitionError,
        DemoError,
        FileError,
        FirstShareError,
        HeldUpError,
        InvariantBrokenError,
        LeaseHeldError,
        LedgerConflictError,
        LedgerError,
        LimitExceededError,
        NotApprovedError,
        PoolShortageError,
        PromoError,
        QuietHoursError,
        ReceiverRefusesError,
        ReceiverUnavailableError,
        RepeatedRunError,
        RestoredRunError,
        RunCancelledError,
        RunClosedError,
        RunHaltedError,
        RunNotFinishedError,
        RunSpecChangedError,
        RunUnknownError,
        SendError,
        ServerError,
        SettingError,
        StartRefusedError,
        StockAwaitedError,
        StoreError,
        StoreUnavailableError,
        TemplateError,
        TemplateRenderError,
        TemplateSyntaxError,
        UnknownCodeFileError,
    )
    from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage
    from promo_campaigns.notifications.alerts import StockNotifier, StuckRunNotifier
    from promo_campaigns.notifications.run_report import RunReportNotifier
    from promo_campaigns.operators.approval import ApproveRunOperator
    from promo_campaigns.operators.contact import GetContactOperator
    from promo_campaigns.operators.contacts import LoadContactsOperator
    from promo_campaigns.operators.data_source import HttpDataSourceOperator
    from promo_campaigns.operators.dry_run import DryRunOperator
    from promo_campaigns.operators.end import EndOperator
    from promo_campaigns.operators.event_stream import AnswerEventsOperator
    from promo_campaigns.operators.events import StartOnEventsOperator, waiting_events
    from promo_campaigns.operators.message import SendMessageOperator
    from promo_campaigns.operators.preview import PreviewOperator
    from promo_campaigns.operators.promo_code import GetPromoCodeOperator
    from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator
    from promo_campaigns.operators.shop.generate import GeneratePromoCodesOperator
    from promo_campaigns.operators.shop.redemptions import LoadRedemptionFileOperator, LoadRedemptionsOperator
    from promo_campaigns.operators.start import StartOperator
    from promo_campaigns.operators.test_send import SendTestOperator
    from promo_campaigns.operators.upkeep.export import ExportRunOperator
    from promo_campaigns.operators.upkeep.reconcile import ReconcileOperator
    from promo_campaigns.operators.upkeep.retention import ArchiveOldDataOperator, EraseOldDataOperator
    from promo_campaigns.operators.upkeep.stock_levels import CheckCodeStockOperator
    from promo_campaigns.operators.upkeep.uplift import MeasureUpliftOperator
    from promo_campaigns.operators.upkeep.watch import WatchCampaignsOperator
    from promo_campaigns.sensors.promo_code_file import PromoCodeFileSensor
    from promo_campaigns.workflows.loading import load_workflows
    from promo_campaigns.workflows.promo_workflow import PromoWorkflow

__version__ = "0.1.0"

__all__ = [
    "AnswerEventsOperator",
    "ApproveRunOperator",
    "ArchiveOldDataOperator",
    "BaseTransport",
    "CallRefusedError",
    "CannotCarryError",
    "CheckCodeStockOperator",
    "CodeFileError",
    "CodeFileRejectedError",
    "ConfigurationError",
    "ContactError",
    "ContactFileError",
    "ContactHeldError",
    "DataSourceHook",
    "DatabaseNotFoundError",
    "DatabaseUnavailableError",
    "DefinitionError",
    "DeliveryResult",
    "DemoError",
    "DryRunOperator",
    "EndOperator",
    "EraseOldDataOperator",
    "ExportRunOperator",
    "FileError",
    "FirstShareError",
    "GeneratePromoCodesOperator",
    "GetContactOperator",
    "GetPromoCodeOperator",
    "HeldUpError",
    "HttpDataSourceOperator",
    "HttpTransport",
    "InvariantBrokenError",
    "LeaseHeldError",
    "LedgerConflictError",
    "LedgerError",
    "LimitExceededError",
    "LoadContactsOperator",
    "LoadPromoCodesOperator",
    "LoadRedemptionFileOperator",
    "LoadRedemptionsOperator",
    "MeasureUpliftOperator",
    "NotApprovedError",
    "Outcome",
    "OutgoingMessage",
    "PoolShortageError",
    "PreviewOperator",
    "PromoCodeFileSensor",
    "PromoError",
    "PromoStore",
    "PromoStoreHook",
    "PromoWorkflow",
    "QuietHoursError",
    "ReceiverRefusesError",
    "ReceiverUnavailableError",
    "ReconcileOperator",
    "RepeatedRunError",
    "RestoredRunError",
    "RunCancelledError",
    "RunClosedError",
    "RunHaltedError",
    "RunNotFinishedError",
    "RunReportNotifier",
    "RunSpecChangedError",
    "RunUnknownError",
    "SendError",
    "SendMessageOperator",
    "SendTestOperator",
    "ServerError",
    "SettingError",
    "StartOnEventsOperator",
    "StartOperator",
    "StartRefusedError",
    "StockAwaitedError",
    "StockNotifier",
    "StoreError",
    "StoreUnavailableError",
    "StuckRunNotifier",
    "TemplateError",
    "TemplateRenderError",
    "TemplateSyntaxError",
    "TransportSettings",
    "UnknownCodeFileError",
    "WatchCampaignsOperator",
    "__version__",
    "load_workflows",
    "waiting_events",
]

_MODULES = {
    "delivery.transports.base": (
        "BaseTransport",
        "TransportSettings",
    ),
    "delivery.transports.http_transport": ("HttpTransport",),
    "frames.promo_store": ("PromoStore",),
    "hooks.data_source": ("DataSourceHook",),
    "hooks.store": ("PromoStoreHook",),
    "model.errors": (
        "CallRefusedError",
        "CannotCarryError",
        "CodeFileError",
        "CodeFileRejectedError",
        "ConfigurationError",
        "ContactError",
        "ContactFileError",
        "ContactHeldError",
        "DatabaseNotFoundError",
        "DatabaseUnavailableError",
        "DefinitionError",
        "DemoError",
        "FileError",
        "FirstShareError",
        "HeldUpError",
        "InvariantBrokenError",
        "LeaseHeldError",
        "LedgerConflictError",
        "LedgerError",
        "LimitExceededError",
        "NotApprovedError",
        "PoolShortageError",
        "PromoError",
        "QuietHoursError",
        "ReceiverRefusesError",
        "ReceiverUnavailableError",
        "RepeatedRunError",
        "RestoredRunError",
        "RunCancelledError",
        "RunClosedError",
        "RunHaltedError",
        "RunNotFinishedError",
        "RunSpecChangedError",
        "RunUnknownError",
        "SendError",
        "ServerError",
        "SettingError",
        "StartRefusedError",
        "StockAwaitedError",
        "StoreError",
        "StoreUnavailableError",
        "TemplateError",
        "TemplateRenderError",
        "TemplateSyntaxError",
        "UnknownCodeFileError",
    ),
    "model.outcome": (
        "Outcome",
        "OutgoingMessage",
        "DeliveryResult",
    ),
    "notifications.alerts": ("StockNotifier", "StuckRunNotifier"),
    "notifications.run_report": ("RunReportNotifier",),
    "operators.approval": ("ApproveRunOperator",),
    "operators.contact": ("GetContactOperator",),
    "operators.contacts": ("LoadContactsOperator",),
    "operators.data_source": ("HttpDataSourceOperator",),
    "operators.dry_run": ("DryRunOperator",),
    "operators.end": ("EndOperator",),
    "operators.event_stream": ("AnswerEventsOperator",),
    "operators.events": (
        "StartOnEventsOperator",
        "waiting_events",
    ),
    "operators.message": ("SendMessageOperator",),
    "operators.preview": ("PreviewOperator",),
    "operators.promo_code": ("GetPromoCodeOperator",),
    "operators.promo_codes": ("LoadPromoCodesOperator",),
    "operators.upkeep.export": ("ExportRunOperator",),
    "operators.upkeep.reconcile": ("ReconcileOperator",),
    "operators.upkeep.retention": ("ArchiveOldDataOperator", "EraseOldDataOperator"),
    "operators.start": ("StartOperator",),
    "operators.shop.generate": ("GeneratePromoCodesOperator",),
    "operators.shop.redemptions": ("LoadRedemptionFileOperator", "LoadRedemptionsOperator"),
    "operators.upkeep.stock_levels": ("CheckCodeStockOperator",),
    "operators.test_send": ("SendTestOperator",),
    "operators.upkeep.uplift": ("MeasureUpliftOperator",),
    "operators.upkeep.watch": ("WatchCampaignsOperator",),
    "sensors.promo_code_file": ("PromoCodeFileSensor",),
    "workflows.loading": ("load_workflows",),
    "workflows.promo_workflow": ("PromoWorkflow",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load what is asked for: a parser of DAGs, or ``promo --help``, pays for nothing else."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    """Return the names that are offered."""
    return __all__
