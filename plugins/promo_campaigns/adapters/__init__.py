"""Postgres, HTTP and file system, behind the ports of the core."""
