"""The ``promo`` command.

``app`` names the commands, ``commands/`` holds one module for each, and ``running`` carries one out: it turns whatever
goes wrong into one line and one of the statuses of ``exit_status``.
"""

from __future__ import annotations

from promo_campaigns.cli.running import main

__all__ = ["main"]
