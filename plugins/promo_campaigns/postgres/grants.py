"""What each kind of account needs in the store, as statements that its owner runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promo_campaigns.postgres.connection import Connection

Kind = Literal["owner", "sender", "api", "reader"]

_KEYS = frozenset({"erasure_key", "picture_key"})
_OF_THE_SCHEMA = frozenset({"alembic_version", "migration_step"})
_OF_THE_OWNER = frozenset({"store_restore", "restored_run", "restored_send"})
"""What waits after a restore is let go by its decision alone, which the owner gives."""
_DROPPING = "promo.drop_archived_contacts(bigint, bigint, bigint), promo.drop_archived_entries(bigint, bigint)"
_DELETED = (
    "alert",
    "answer",
    "audience_value",
    "background_job",
    "code_demand",
    "code_stock",
    "contact_address",
    "contact_channel",
    "contact_field_value",
    "contact_group_member",
    "erased_identity",
    "event",
    "event_listener",
    "heard_notice",
    "match_value",
    "inbox_message",
    "run_count",
    "sending_stop",
    "shop_order",
    "unknown_send",
)
_DELETED_BY_API = (
    "answer",
    "audience_value",
    "code_stock",
    "contact_address",
    "contact_channel",
    "contact_field_value",
    "contact_group_member",
    "erased_identity",
    "event",
    "heard_notice",
    "match_value",
    "shop_order",
)
_WRITTEN_BY_API = (
    "audit",
    "code_stock",
    "contact",
    "contact_address",
    "contact_channel",
    "contact_field_value",
    "contact_group",
    "contact_group_member",
    "contact_import",
    "erased_identity",
    "event",
    "event_listener",
    "heard_notice",
    "event_queue",
    "inbox_message",
    "promo_code",
    "redemption",
    "shop_order",
)


def grants(connection: Connection, kind: Kind, role: str) -> list[str]:
    """Return the statements that give an account what it needs, to be run by the owner of the schema.

    They name tables as they are now: run them again after each migration. What an account has already stays.

    :param kind: ``owner`` migrates; ``sender`` is the account of Airflow's tasks, of the pages and of the command, and
        does all that is done from day to day; ``api`` is the profile API's; ``reader`` reads tables and views, codes in
        full, and changes nothing
    :param role: the account's name, which need not exist yet
    """
    statements = _of_owner() if kind == "owner" else _of_others(connection, kind)
    database = sql.Identifier(connection.info.dbname)
    named = {"role": sql.Identifier(role), "database": database}
    return [sql.SQL(text).format(**named).as_string(connection) + ";" for text in statements]


def _of_owner() -> list[str]:
    return [
        "grant connect, create, temporary on database {database} to {role}",
        "create schema if not exists promo authorization {role}",
    ]


def _of_others(connection: Connection, kind: Kind) -> list[str]:
    tables = _tables(connection)
    read = tables - _KEYS if kind == "reader" else tables
    statements = [
        "grant connect on database {database} to {role}",
        "grant usage on schema promo to {role}",
        f"grant select on {_listed(read)} to {{role}}",
    ]
    if kind == "reader":
        return statements
    written = tables - _KEYS - _OF_THE_SCHEMA - _OF_THE_OWNER if kind == "sender" else tables & set(_WRITTEN_BY_API)
    deleted = _DELETED if kind == "sender" else _DELETED_BY_API
    statements += [
        "grant temporary on database {database} to {role}",
        f"grant insert, update on {_listed(written)} to {{role}}",
        f"grant delete on {_listed(tables & set(deleted))} to {{role}}",
        "grant usage on all sequences in schema promo to {role}",
    ]
    if kind == "api":  # to erase a contact is to lock its place in runs, for which one column must be writable
        statements.append("grant update (time_zone) on promo.assignment to {role}")
    if kind == "sender":  # what is archived goes by functions: it may delete no assignment, attempt or entry
        statements.append(f"grant execute on function {_DROPPING} to {{role}}")
    if kind == "sender":  # a field may be given an id, which the sequence must not give again
        statements.append("grant update on sequence promo.contact_field_contact_field_id_seq to {role}")
    return statements


def _tables(connection: Connection) -> set[str]:
    rows = connection.execute(
        "select relname as name from pg_class where relnamespace = 'promo'::regnamespace and relkind in ('r', 'p', 'v')"
    ).fetchall()
    return {row["name"] for row in rows}


def _listed(tables: Iterable[str]) -> str:
    return ", ".join(f"promo.{name}" for name in sorted(tables))
