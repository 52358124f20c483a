-- A run that a person must approve gives out no code before.

-- part: locked on promo.run --
alter table promo.run
  add column approval    text,
  add column approved_by text,
  add column approved_at timestamptz,
  add constraint run_approval check (approval in ('awaited', 'given', 'refused')) not valid,
  add constraint run_approved_whole
    check ((approved_at is not null) = (approval is not null and approval <> 'awaited')) not valid,
  add constraint run_approved_by check (approved_by is null or approved_at is not null) not valid;
comment on column promo.run.approval is 'What a person said of the run; null for one that nobody is asked about.';
comment on column promo.run.approved_by is 'Who approved or refused it, as Airflow names them; null where nobody answered in time.';

-- part: online --
alter table promo.run
  validate constraint run_approval, validate constraint run_approved_whole, validate constraint run_approved_by;
