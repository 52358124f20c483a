"""A run, its batches and recipients, and the lease to send to them. Times are aware datetimes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.model.links.unsubscribing import UnsubscribeLinks
    from promo_campaigns.model.picture_link import PictureLinks
    from promo_campaigns.model.run_spec import RunSpec

LEASE_S = 120.0
"""Seconds for which an intent is leased; no call begins after half of them."""
_DAY_S = 86_400.0
_LONGEST_WAIT_S = 3650 * _DAY_S
MAX_BATCHES = 1000  # Airflow maps at most 1,024 tasks from one list ([core] max_map_length)


class Mode(str, Enum):
    """What happens when a closed run is run again."""

    MISSING = "missing"
    """Sends to contacts that were skipped, rejected or expired, and to no contact that was reached."""
    PROFILES = "profiles"
    """Writes the codes onto the profiles again and sends nothing."""
    REFUSE = "refuse"
    """Refuses: it is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The contacts of one mapped task: those of the run with ``first <= contact_id <= last``.

    :ivar repair: send nothing, and write the profiles again
    :ivar zone: only contacts of this time zone; None for a run without quiet hours
    :ivar first_share: only contacts of the run's first share, or only those beyond it; None for a run without one
    """

    run_id: int
    first: int
    last: int
    repair: bool = False
    zone: str | None = None
    first_share: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger keeps it.

    :ivar staged: it goes to a first share before all others
    :ivar archived_at: since when its contacts are in the archive; None while they are in the ledger
    :ivar pictures: makes links to pictures of the codes; None while no text that shows one is rendered
    :ivar unsubscribing: makes links to unsubscribe; None while no message is rendered, or nobody serves them
    """

    run_id: int
    run_key: str
    spec: RunSpec
    send_by: datetime | None
    mode: Mode
    closed: bool
    cancelled: bool = False
    staged: bool = False
    archived_at: datetime | None = None
    pictures: PictureLinks | None = None
    unsubscribing: UnsubscribeLinks | None = None


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class Recipient:
    """A contact with the code it holds, as a template sees it. Never logged.

    :ivar resend_counter: how often the contact is sent to anew, after a refusal or with another code than a
        data source has seen; 0 the first time
    :ivar locator: the channel's value: address, number or token; None when it was withdrawn meanwhile
    :ivar fields: type and stored text of additional fields by name, None without any
    :ivar time_zone: IANA name of the zone the contact lives in, None if nobody knows
    :ivar pool_zone: IANA name of the zone in which the code's date of expiry was sold
    :ivar answers: of data sources by their names, None without any
    :ivar event: parameters of the event that made the contact enter, None without one
    :ivar audience: type and text of the columns of the run's audience by name; None where it has none
    """

    contact_id: int
    resend_counter: int
    external_id: str | None
    first_name: str | None
    last_name: str | None
    language: str | None
    locator: str | None = field(repr=False)
    code: str = field(repr=False)
    code_type: str
    discount: int
    expires_at: datetime
    fields: dict[str, Sequence[str]] | None = field(repr=False)
    time_zone: str | None = None
    pool_zone: str = "UTC"
    answers: dict[str, object] | None = field(default=None, repr=False)
    event: dict[str, Any] | None = field(default=None, repr=False)
    audience: Mapping[str, Sequence[str]] | None = field(default=None, repr=False)


class Purpose(str, Enum):
    """What an attempt is for."""

    MESSAGE = "message"
    PROFILE = "profile"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to send for some assignments; its holder has committed the intent.

    :ivar token: identifies the holder; outcomes are written under it, so a worker that lost its lease changes no state
    :ivar seconds: length of the lease; no call begins after half of it
    :ivar left: how many more are due, beyond the limit
    :ivar source: place of the data source that is called
    :ivar shows_code: the call shows the code to the receiver
    """

    run_id: int
    purpose: Purpose
    token: int
    seconds: float
    recipients: list[Recipient]
    left: int = 0
    source: int = 0
    shows_code: bool = True


def until(wait_s: float) -> str:
    """Return the end of a wait that begins now, such as ``until 14:05:10 UTC``, to be compared with logs."""
    return f"until {clock_time(wait_s)}"


def clock_time(wait_s: float, *, now: datetime | None = None) -> str:
    """Return the time in so many seconds, such as ``14:05:10 UTC``, with the date if it is a day away or more.

    :param now: by default now
    """
    begun = now or datetime.now(timezone.utc)
    end = begun.astimezone(timezone.utc) + timedelta(seconds=min(max(wait_s, 0.0), _LONGEST_WAIT_S))
    return f"{end:%Y-%m-%d %H:%M:%S} UTC" if wait_s >= _DAY_S else f"{end:%H:%M:%S} UTC"
