"""Translates Airflow's connections, settings and storage into what the other rooms take."""

__all__ = [
    "code_inbox",
    "data_source",
    "database",
    "dry_run",
    "inbox_uploads",
    "include",
    "preview_files",
    "run_conf",
    "shop_file",
    "store",
]
