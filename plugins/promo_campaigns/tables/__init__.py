"""Rows out of files and DataFrames, and rows into files: CSV, JSON, XLSX and Parquet.

It knows how a file is read and what it may cost, and nothing of what its columns mean.
"""

__all__ = [
    "any_table",
    "byte_source",
    "csv_rows",
    "frame_table",
    "json_rows",
    "known_columns",
    "layout",
    "parquet_rows",
    "sheet_text",
    "table",
    "writers",
    "xlsx_rows",
]
