-- How far a task came that loads contacts from another database.

-- part: locked --
create table promo.contact_watermark (
  reader   text        primary key check (reader <> ''),
  digest   bytea       not null check (octet_length(digest) = 32),
  kind     text        not null check (kind in ('number', 'text')),
  value    text        not null,
  moved_at timestamptz not null default promo.clock()
);
comment on table promo.contact_watermark is 'How far a task came that loads contacts from another database: the next time it asks for what has changed since.';
comment on column promo.contact_watermark.digest is 'Of the SELECT and its column: another SELECT begins anew.';
