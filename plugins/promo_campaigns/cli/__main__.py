"""Runs the ``promo`` command as ``python -m promo_campaigns.cli``."""

from __future__ import annotations

import sys

from promo_campaigns.cli import main

sys.exit(main())
