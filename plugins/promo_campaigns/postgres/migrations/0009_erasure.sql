-- Erasure: identity goes, uniqueness stays. The row of the contact stays, so that its assignments and attempts do, and no
-- code of it is ever given out again. Of each identifier a keyed digest stays, by which it is recognised.

-- part: locked on promo.contact --
alter table promo.contact
  add column erased_at timestamptz,
  add constraint contact_erased_bare
    check (erased_at is null or num_nonnulls(external_id, first_name, last_name, language) = 0) not valid;

-- part: online --
alter table promo.contact validate constraint contact_erased_bare;

-- part: online --
create index concurrently contact_erased on promo.contact (contact_id) where erased_at is not null;

-- part: locked on promo.contact, promo.contact_channel, promo.contact_field_value --
create table promo.erasure_key (
  one       boolean primary key default true check (one),
  inner_pad bytea   not null check (octet_length(inner_pad) = 64),
  outer_pad bytea   not null check (octet_length(outer_pad) = 64)
);
comment on table promo.erasure_key is 'The key of the digests, in two halves. Without it nobody can tell whose they are: deleting it forgets for good.';
insert into promo.erasure_key (inner_pad, outer_pad)
select string_agg(uuid_send(gen_random_uuid()), '') filter (where n <= 4), string_agg(uuid_send(gen_random_uuid()), '') filter (where n > 4)
from generate_series(1, 8) n;

create function promo.identity_digest(inner_pad bytea, outer_pad bytea, kind text, key text) returns bytea
  language sql stable parallel safe
  return sha256(outer_pad || sha256(inner_pad || convert_to(kind || chr(10) || key, 'UTF8')));
comment on function promo.identity_digest is 'The form of HMAC-SHA256. kind is ''external id'' or a type of channel; key is what makes two of them the same.';

create table promo.erased_identity (
  digest     bytea  primary key check (octet_length(digest) = 32),
  contact_id bigint not null references promo.contact
);
create index erased_identity_contact on promo.erased_identity (contact_id);

-- A write that began before the erasure must not come after it.
create function promo.refuse_erased() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if exists (select from promo.contact c where c.erased_at is not null and c.contact_id in (select a.contact_id from added a)) then
    raise exception 'the contact was erased meanwhile' using errcode = 'foreign_key_violation', constraint = 'contact_erased';
  end if;
  return null;
end $$;
create trigger contact_channel_of_nobody_erased after insert on promo.contact_channel
  referencing new table as added for each statement execute function promo.refuse_erased();
create trigger contact_field_value_of_nobody_erased after insert on promo.contact_field_value
  referencing new table as added for each statement execute function promo.refuse_erased();
