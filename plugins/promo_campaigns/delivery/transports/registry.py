"""Which transports there are: those that installed packages, this one among them, name under an entry point.

A clone that Airflow is pointed at, or that lies on the path of Python, is not installed and so has no entry points.
Then, and only then, the product's own are taken from ``OWN``.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from promo_campaigns.delivery.transports.base import TransportSettings

GROUP = "promo_campaigns.transports"
OWN = {
    name: EntryPoint(name, f"promo_campaigns.delivery.transports.{place}", GROUP)
    for name, place in {
        "inbox": "inbox:InboxTransport",
        "smtp": "smtp:SmtpTransport",
        "webhook": "webhook:WebhookTransport",
        "fcm": "fcm:FcmTransport",
        "reteno": "reteno:RetenoTransport",
    }.items()
}
"""The product's own, as pyproject.toml names them; a test holds that both agree."""
_OURS = frozenset(entry.value for entry in OWN.values())


def make_transport(name: str, settings: TransportSettings) -> BaseTransport:
    """Build a transport by its name; nothing is reached before it is opened with ``async with``.

    :raises ConfigurationError: there is no such transport, it cannot be loaded, or its settings are wrong
    """
    return load_transport(name)(settings)


def load_transport(name: str) -> type[BaseTransport]:
    """Return the class of a transport.

    :raises ConfigurationError: there is no such transport, there are two, or it cannot be loaded
    """
    entries = [entry for entry in _all_transports() if entry.name == name]
    if not entries:
        names = ", ".join(sorted({entry.name for entry in _all_transports()}))
        msg = f"there is no transport {name!r}; installed are: {names}"
        raise ConfigurationError(msg)
    if len({entry.value for entry in entries}) > 1:
        places = " and ".join(sorted({entry.value for entry in entries}))
        msg = f"there are two transports {name!r}, {places}; uninstall one of the packages"
        raise ConfigurationError(msg)
    return _loaded(entries[0])


@cache
def transport_names() -> Collection[str]:
    """Return the names of the transports that are installed; none is loaded for it."""
    return frozenset(entry.name for entry in _all_transports())


def _all_transports() -> list[EntryPoint]:
    installed = list(entry_points(group=GROUP))
    if any(entry.value in _OURS for entry in installed):
        return installed
    return [*OWN.values(), *installed]


def _loaded(entry: EntryPoint) -> type[BaseTransport]:
    try:
        found = entry.load()
    except ModuleNotFoundError as error:
        hint = (
            "pip install 'airflow-provider-promo-campaigns[fcm]'" if entry.value == OWN["fcm"].value else "install it"
        )
        msg = f"the transport {entry.name!r} needs the module {error.name}, which is not installed: {hint}"
        raise ConfigurationError(msg) from error
    except (ImportError, AttributeError) as error:
        msg = f"the transport {entry.name!r} cannot be loaded from {entry.value}: {error}"
        raise ConfigurationError(msg) from error
    if not (isinstance(found, type) and issubclass(found, BaseTransport)):
        msg = f"the transport {entry.name!r} ({entry.value}) is no subclass of {BaseTransport.__module__}.BaseTransport"
        raise ConfigurationError(msg)
    return found
