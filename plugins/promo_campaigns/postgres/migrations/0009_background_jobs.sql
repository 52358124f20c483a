-- What the pages have worked off in the background: checks of the store, and dry runs.

-- part: locked --
create table promo.background_job (
  background_job_id bigint      generated always as identity primary key,
  token             uuid        not null unique default gen_random_uuid(),
  kind              text        not null check (kind in ('check', 'dry run')),
  subject           text        not null,
  actor             text        not null,
  begun_at          timestamptz not null default promo.clock(),
  alive_at          timestamptz not null default promo.clock(),
  finished_at       timestamptz,
  done              bigint      not null default 0,
  terms             jsonb       not null,
  result            jsonb,
  problem           text,
  constraint background_job_settled check ((finished_at is null) = (num_nonnulls(result, problem) = 0))
);
comment on table promo.background_job is 'What a server does in the background, so that every server can tell how far it is. It holds no text of a profile.';
comment on column promo.background_job.alive_at is 'When the server that does it last said so: one that was stopped says so no more.';
create unique index background_job_under_way on promo.background_job (kind, subject) where finished_at is null;
create index background_job_newest on promo.background_job (kind, subject, background_job_id);

create table promo.dry_run_part (
  background_job_id bigint  not null references promo.background_job on delete cascade,
  part              integer not null,
  send              integer not null,
  skipped           integer not null,
  rejected          integer not null,
  contacts          jsonb   not null,
  primary key (background_job_id, part)
);
comment on table promo.dry_run_part is 'Some thousands of contacts of a dry run: ids, reasons and masked codes. Texts are rendered when they are looked at.';
