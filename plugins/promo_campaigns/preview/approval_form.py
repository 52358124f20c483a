"""The form in which a person approves a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.run_report import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.model.forecast import Forecast
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.preview.rows import PreviewReport


def approval_form(spec: RunSpec, run_key: str, report: PreviewReport, left_out: Mapping[str, int]) -> tuple[str, str]:
    """Return headline and Markdown of the approval form: counts, and two messages, without any address or code.

    The headline is plain text, which Airflow shows as it is.

    :param report: preview of the contacts that wait in the run
    :param left_out: contacts that the run will not reach, by reason
    """
    sent = report.states.get("send", 0)
    codes, message = spec.codes, spec.message
    lines = [
        f"**{plain(run_key)}**",
        "",
        f"- message: {plain(message.name)}, channel {plain(message.channel)}, by {plain(spec.transport)}",
        f"- audience: {plain(spec.audience.name)}",
        f"- codes: {_pools(spec)}, valid for {codes.days} days",
        f"- definition: `{report.sha256[:12]}`, frozen: this is what is sent",
        "",
        *_table("contacts", {"to be sent": sent, **_reasons(report, left_out)}),
        "",
        *(_table("codes", _numbers(report.forecast)) if report.forecast else ()),
    ]
    if report.warnings:
        lines += ["", *_table("warnings", report.warnings)]
    lines += ["", *(f"- {plain(note)}" for note in report.notes)]
    for example in report.examples:
        lines += ["", f"A message, with a placeholder for the code (contact {example.contact_id}):", ""]
        lines += [f"> {plain(line)}  " for line in (example.title, "", *example.body.splitlines())]
    if report.files:
        lines += ["", "Contact by contact: " + ", ".join(f"`{file}`" for file in report.files)]
    return f"Send {message.name} to {sent:,} contacts?", "\n".join(lines)


def _pools(spec: RunSpec) -> str:
    pools = ", then ".join(f"{plain(pool.type)}, {pool.discount} %" for pool in spec.codes.pools)
    matched = ", ".join(plain(one.name) for one in spec.codes.match)
    return f"{pools}, by {matched}" if matched else pools


def _numbers(forecast: Forecast) -> dict[str, int]:
    numbers = forecast.as_dict()
    each = numbers.pop("pools", [])
    numbers.pop("values", None)
    return numbers | {f"taken from {pool['type']}, {pool['discount']} %": pool["gives"] for pool in each}


def _reasons(report: PreviewReport, left_out: Mapping[str, int]) -> dict[str, int]:
    found = dict(report.reasons)
    for reason, contacts in left_out.items():
        found[reason] = found.get(reason, 0) + contacts
    return {f"not sent: {reason}": contacts for reason, contacts in found.items()}


def _table(title: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"| {plain(name)} | {count:,} |" for name, count in counts.items()]
    return [f"| | {title} |", "| --- | ---: |", *rows]
