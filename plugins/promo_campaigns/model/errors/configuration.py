"""What a person has set up wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors.base import PromoError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ConfigurationError(PromoError):
    """A setting, connection or parameter is missing or wrong."""


class DatabaseNotFoundError(ConfigurationError):
    """No database was named and none could be found."""


class CannotCarryError(ConfigurationError):
    """A transport cannot carry a message.

    :param problem: what is wrong, as a sentence without a full stop
    :param setting: the setting of the message that is at fault
    :param hint: what to write instead
    """

    def __init__(self, problem: str, *, setting: str, hint: str = "") -> None:
        self.problem, self.setting, self.hint = problem, setting, hint
        super().__init__(problem + (f". {hint}" if hint else ""))


class SettingError(ConfigurationError):
    """A setting of a workflow is wrong, wherever the workflow is written.

    :param problem: what is wrong, as a sentence without a full stop
    :param setting: the way to it, such as ``("promo_code", "discount")``; empty for the workflow itself
    :param hint: what to write instead
    :ivar others: what else is wrong with the settings, where that was looked for
    """

    others: Sequence[SettingError] = ()

    def __init__(self, problem: str, *, setting: tuple[str | int, ...] = (), hint: str = "") -> None:
        self.problem, self.setting, self.hint = problem, setting, hint
        super().__init__(problem + (f". {hint}" if hint else ""))
