-- What a later revision may do to a store under its readers: every kind of part, on each table that the tests read.

-- part: locked on promo.promo_code --
alter table promo.promo_code
  add column owner bigint,
  add constraint promo_code_owner check (owner is null or issued_at is not null) not valid;
comment on column promo.promo_code.owner is 'Whose it is.';

-- part: online --
create unique index concurrently promo_code_owned on promo.promo_code (owner, promo_code_id);

-- part: locked on promo.promo_code, promo.assignment --
alter table promo.promo_code add constraint promo_code_owned unique using index promo_code_owned;
alter table promo.assignment
  add column noted_at timestamptz,
  add constraint assignment_owned
    foreign key (contact_id, promo_code_id) references promo.promo_code (owner, promo_code_id) not valid;

-- part: batches of promo.promo_code by promo_code_id --
update promo.promo_code set owner = held_by
where promo_code_id > %(low)s and promo_code_id <= %(high)s and owner is null and held_by is not null;

-- part: online --
alter table promo.promo_code validate constraint promo_code_owner;

-- part: online --
alter table promo.assignment validate constraint assignment_owned;

-- part: locked on promo.contact --
alter table promo.contact
  add column nickname text not null default '',
  add constraint contact_nickname check (nickname = btrim(nickname)) not valid;

-- part: online --
alter table promo.contact validate constraint contact_nickname;

-- part: online --
create index concurrently contact_noted on promo.contact (contact_id) where nickname <> '';

-- part: online --
alter table promo.attempt set (fillfactor = 60);

-- part: locked on promo.run --
create table promo.run_note (
  run_id bigint primary key,
  note   text   not null
);
create function promo.keep_note() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  insert into promo.run_note (run_id, note) values (new.run_id, 'opened') on conflict do nothing;
  return null;
end $$;
create trigger run_noted after insert on promo.run for each row execute function promo.keep_note();

-- part: batches of promo.run by run_id --
insert into promo.run_note (run_id, note)
select run_id, 'opened before' from promo.run where run_id > %(low)s and run_id <= %(high)s on conflict do nothing;

-- part: online --
drop index concurrently if exists promo.run_workflow;

-- part: locked --
comment on table promo.run_note is 'What is noted of a run.';
