"""Commands of ``promo runs`` that are about runs under way; ``commands.runs`` gives them their names."""

__all__ = ["run_export", "run_halts", "run_list"]
