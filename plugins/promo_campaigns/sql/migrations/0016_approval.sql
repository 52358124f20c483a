-- A run that a person must approve gives out no code before.

alter table promo.run
  add column approval    text constraint run_approval check (approval in ('awaited', 'given', 'refused')),
  add column approved_by text,
  add column approved_at timestamptz,
  add constraint run_approved_whole check ((approved_at is not null) = (approval is not null and approval <> 'awaited')),
  add constraint run_approved_by check (approved_by is null or approved_at is not null);
comment on column promo.run.approval is 'What a person said of the run; null for one that nobody is asked about.';
comment on column promo.run.approved_by is 'Who approved or refused it, as Airflow names them; null where nobody answered in time.';
