"""What an operator watches: the metrics of the store, and alerts, of which somebody is told once until they are over.

``metrics`` names what ``measure`` measures; ``alerts`` finds what is wrong and keeps what was told.
"""

__all__ = ["alerts", "measure", "metrics", "receiver_states"]
