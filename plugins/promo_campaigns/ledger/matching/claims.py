"""What a claim asks where codes must match their contacts."""

from __future__ import annotations

from promo_campaigns.postgres.sql import queries

_SQL = queries(__name__)

REUSE_MATCHING = _SQL["reuse_matching"]
"""Gives contacts again what they hold of a pool, if it carries nothing or what they have."""
CLAIM_MATCHING = _SQL["claim_matching"]
"""Gives contacts codes of a pool that carry what they have."""
