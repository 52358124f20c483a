"""Looks at everything that a campaign needs, and says of each what is wrong and what to do.

It changes nothing, and shows no password, address or code.
"""

__all__ = ["campaigns", "dags", "findings", "store", "stuck_runs"]
