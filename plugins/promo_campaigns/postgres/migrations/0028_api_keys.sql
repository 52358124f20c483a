-- Clients of the profile API have keys of their own.

-- part: locked --
create table promo.api_key (
  api_key_id bigint      generated always as identity primary key,
  name       text        not null check (name <> '' and name = btrim(name)),
  digest     bytea       not null unique check (octet_length(digest) = 32),
  scopes     text[]      not null check (
    scopes <> '{}' and scopes <@ '{read,contacts,erase,events,orders,messages}'::text[]),
  per_second integer     not null check (per_second > 0),
  created_at timestamptz not null default promo.clock(),
  created_by text        not null,
  revoked_at timestamptz,
  revoked_by text,
  constraint api_key_revoked check ((revoked_at is null) = (revoked_by is null))
);
comment on table promo.api_key is 'A client of the profile API: what its key allows, and how often. The key itself is kept nowhere.';
comment on column promo.api_key.digest is 'SHA-256 of the key, which is 256 random bits: nothing slower is needed.';
create unique index api_key_name on promo.api_key (name) where revoked_at is null;
