"""Translates Airflow's connections, settings and storage into what the other rooms take."""

__all__ = [
    "archive_shelf",
    "code_inbox",
    "data_source",
    "dry_run",
    "exports",
    "inbox_uploads",
    "include",
    "other_database",
    "page_links",
    "preview_files",
    "run_conf",
    "shop_file",
    "storage",
    "store",
]
