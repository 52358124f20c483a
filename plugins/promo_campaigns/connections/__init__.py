"""What a connection says, as plain values, whoever keeps it.

Operators, the command and the pages read connections here; nobody parses one by itself.
"""

__all__ = ["settings", "variable"]
