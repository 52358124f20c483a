-- What callers of the profile API may do with contacts: delete them without erasing them, put them into groups, find them by
-- their names, say where they live. No row is read but for the indexes, which are built beside readers and writers.

-- part: locked on promo.contact --
alter table promo.contact add column deleted_at timestamptz;
comment on column promo.contact.deleted_at is
  'When it was deleted without being erased: its open channels were closed at the same moment, and are opened when it comes back.';

-- part: locked on promo.contact --
create table promo.contact_group (
  contact_group_id bigint      generated always as identity primary key,
  name             text        not null constraint contact_group_trimmed check (name <> '' and name = btrim(name)),
  created_at       timestamptz not null default promo.clock()
);
comment on table promo.contact_group is 'A group of contacts, as callers of the profile API name it; an audience may select its members.';
create unique index contact_group_name on promo.contact_group (lower(name) collate "C");

create table promo.contact_group_member (
  contact_group_id bigint not null references promo.contact_group,
  contact_id       bigint not null references promo.contact on delete cascade,
  primary key (contact_group_id, contact_id)
);
create index contact_group_member_contact on promo.contact_group_member (contact_id);
create table promo.contact_address (
  contact_id bigint primary key references promo.contact on delete cascade,
  region     text,
  town       text,
  address    text,
  postcode   text
);
comment on table promo.contact_address is 'Where a contact lives, as callers of the profile API say.';

create trigger contact_address_of_nobody_erased after insert on promo.contact_address
  referencing new table as added for each statement execute function promo.refuse_erased();
create trigger contact_group_member_of_nobody_erased after insert on promo.contact_group_member
  referencing new table as added for each statement execute function promo.refuse_erased();

-- part: online --
create index concurrently contact_deleted on promo.contact (contact_id) where deleted_at is not null;

-- part: online --
create index concurrently contact_first_name on promo.contact (lower(first_name), contact_id) where first_name is not null;

-- part: online --
create index concurrently contact_last_name on promo.contact (lower(last_name), coalesce(lower(first_name), ''), contact_id)
  where last_name is not null;
