-- One table of how far readers of other databases came, in place of two.

-- part: locked --
create table promo.watermark (
  reader   text        primary key check (reader <> ''),
  digest   bytea       check (octet_length(digest) = 32),
  kind     text        not null check (kind in ('number', 'text')),
  value    text        not null,
  moved_at timestamptz not null default promo.clock()
);
comment on table promo.watermark is 'How far a reader of another database came: the next time it asks for what has changed since.';
comment on column promo.watermark.digest is 'Of what it asks: a reader that asks for something else begins anew. Null for one that goes on, whatever it asks.';

-- part: online --
insert into promo.watermark (reader, digest, kind, value, moved_at)
select reader, digest, kind, value, moved_at from promo.contact_watermark on conflict do nothing;

-- part: online --
insert into promo.watermark (reader, kind, value, moved_at)
select 'redemptions ' || name, 'text', to_char(watermark at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00:00', read_at
from promo.redemption_source on conflict do nothing;

-- part: locked on promo.contact_watermark, promo.redemption_source --
drop table promo.contact_watermark, promo.redemption_source;
