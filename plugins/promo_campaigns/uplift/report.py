"""The report of an uplift: conversions of treated contacts compared with those held out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.run_report import plain
from promo_campaigns.uplift.intervals import Interval, difference, mean_difference, proportion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversions:
    """What counts as a conversion: the rows of a SELECT, events of a type, or codes that were redeemed.

    :ivar name: of the file or the type; of redemptions the currency of their values
    :ivar sql: yields ``contact_id``, ``at`` and optionally ``value``; empty for events and redemptions
    :ivar redeemed: codes that were redeemed are the conversions
    """

    name: str
    sql: str = ""
    redeemed: bool = False

    def __str__(self) -> str:
        """Return it in words."""
        if self.redeemed:
            return f"codes redeemed, paid in {self.name}"
        return f"conversions {self.name}" if self.sql else f"events {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One group of contacts, each counted once.

    :ivar converted: contacts with a conversion in the window
    :ivar value: total value of their conversions, None if these have no values
    :ivar variance: variance of a contact's value
    """

    contacts: int = 0
    converted: int = 0
    value: float | None = None
    variance: float | None = None

    @property
    def rate(self) -> Interval | None:
        """The share that converted; None when the group is empty."""
        return proportion(self.converted, self.contacts) if self.contacts else None

    def above(self, other: Arm) -> Interval | None:
        """Return the difference of its rate from another group's; None if one of them is empty."""
        return difference(self.rate, other.rate) if self.rate and other.rate else None

    def worth_above(self, other: Arm) -> Interval | None:
        """Return the difference of the mean value of a contact from another group's; None if it cannot be computed."""
        worth, other_worth = self._worth(), other._worth()
        return mean_difference(worth, other_worth) if worth and other_worth else None

    def as_dict(self) -> dict[str, Any]:
        """Return the arm as plain JSON values."""
        told: dict[str, Any] = {"contacts": self.contacts, "converted": self.converted, "rate": _told(self.rate)}
        return told if self.value is None else {**told, "value": self.value}

    def _worth(self) -> tuple[float, float, int] | None:
        if self.value is None or self.variance is None or self.contacts < _TWO:
            return None
        return self.value / self.contacts, self.variance, self.contacts


@dataclass(frozen=True, slots=True, kw_only=True)
class UpliftReport:
    """The uplift of one run, or of the runs of a workflow.

    Chance decides which of the reachable contacts are held out. All other reachable ones, the *intended*, differ from
    them by the campaign alone. The *treated*, which were given a code, also differ by what kept it from the rest.

    :ivar subject: which run or workflow
    :ivar conversions: what counts as one
    :ivar within_s: for how long after a contact's run was opened
    :ivar runs: how many runs
    :ivar waiting: contacts without an outcome yet, which are left out
    :ivar mixed: contacts held out of some of the runs only, which are left out
    :ivar open_until: when the last window ends, if that is in the future
    :ivar arms: ``treated``, ``intended`` and ``held_out``
    """

    subject: str
    conversions: str
    within_s: float
    runs: int
    waiting: int
    mixed: int
    open_until: datetime | None
    arms: Mapping[str, Arm]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values; shares and differences are of one, not of a hundred."""
        told: dict[str, Any] = {
            "subject": self.subject,
            "conversions": self.conversions,
            "within_s": self.within_s,
            "runs": self.runs,
            "waiting": self.waiting,
            "mixed": self.mixed,
            "open_until": self.open_until.isoformat() if self.open_until else None,
        }
        held_out = self.arms["held_out"]
        for name, arm in self.arms.items():
            told[name] = arm.as_dict()
            if name != "held_out":
                told[name]["uplift"] = _told(arm.above(held_out))
                if arm.value is not None:
                    told[name]["value_uplift"] = _told(arm.worth_above(held_out))
        return told

    def as_markdown(self) -> str:
        """Return the report as Markdown: a table and its findings."""
        lines = [f"**{plain(self.subject)}**: {plain(self.conversions)} within {self._window()}", ""]
        lines += self._table()
        return "\n".join([*lines, *(f"\n{said}" for said in self._findings())])

    def _table(self) -> list[str]:
        valued = any(arm.value is not None for arm in self.arms.values())
        lines = ["| | contacts | converted | rate | 95 % |" + (" value |" if valued else "")]
        lines += ["| --- | ---: | ---: | ---: | ---: |" + (" ---: |" if valued else "")]
        for name, arm in self.arms.items():
            cells = [_NAMES[name], f"{arm.contacts:,}", f"{arm.converted:,}", *_percent(arm.rate)]
            cells += [f"{arm.value or 0.0:,.2f}"] if valued else []
            lines.append(f"| {' | '.join(cells)} |")
        return lines

    def _findings(self) -> list[str]:
        held_out = self.arms["held_out"]
        said = []
        for name in ("treated", "intended"):
            if above := self.arms[name].above(held_out):
                said.append(f"{_NAMES[name].capitalize()} against held out: {_points(above)}{_clearly(above)}.")
            if worth := self.arms[name].worth_above(held_out):
                bounds = f"95 %: {worth.low:+,.2f} to {worth.high:+,.2f}"
                said.append(f"Value a contact, {_NAMES[name]} against held out: {worth.estimate:+,.2f} ({bounds}).")
        said = said or ["There is nothing to compare: no contact was held out, or no other contact was reached."]
        said += [_INTENTION] if held_out.contacts and self.arms["intended"].contacts else []
        said += [f"{self.waiting:,} contacts have no outcome yet and are left out."] if self.waiting else []
        said += [f"{self.mixed:,} contacts were held out of some runs only and are left out."] if self.mixed else []
        if self.open_until:
            said.append(f"Conversions may come until {self.open_until:%Y-%m-%d %H:%M} UTC: look again then.")
        return said

    def _window(self) -> str:
        days = self.within_s / 86_400
        return f"{days:g} days" if days >= 1 else f"{self.within_s / 3_600:g} hours"


_NAMES = {"treated": "given a code", "intended": "meant to get one", "held_out": "held out"}
_INTENTION = (
    "Chance alone decided who was meant to get one, so that comparison (intention to treat) is free of whatever kept "
    "the code from some of them."
)


def _told(interval: Interval | None) -> dict[str, float] | None:
    return {name: round(value, 6) for name, value in asdict(interval).items()} if interval else None


def _percent(rate: Interval | None) -> tuple[str, str]:
    return (f"{rate.estimate:.2%}", f"{rate.low:.2%} to {rate.high:.2%}") if rate else ("", "")


def _points(above: Interval) -> str:
    estimate, low, high = (f"{100 * value:+.2f}" for value in (above.estimate, above.low, above.high))
    return f"{estimate} percentage points (95 %: {low} to {high})"


def _clearly(above: Interval) -> str:
    return "" if above.is_clear else ", which may be chance"
