-- After the send: who took codes out of the store, who was erased from it, and which levels the stock has reached.

create table promo.audit (
  audit_id    bigint      generated always as identity primary key,
  begun_at    timestamptz not null default promo.clock(),
  finished_at timestamptz,
  row_count   bigint,
  revealed    boolean     not null default false,
  action      text        not null check (action in ('export', 'erase', 'readmit')),
  subject     text        not null,
  actor       text        not null,
  constraint audit_finished check ((finished_at is null) = (row_count is null))
);
comment on table promo.audit is 'Who exported codes, or erased a contact: written before it begins, and settled once. Append-only.';
comment on column promo.audit.subject is 'Which run, workflow or contact, by key or id: never an address.';
create trigger audit_settled_once before update on promo.audit
  for each row when (
    old.finished_at is not null
    or (old.audit_id, old.begun_at, old.revealed, old.action, old.subject, old.actor)
       is distinct from (new.audit_id, new.begun_at, new.revealed, new.action, new.subject, new.actor))
  execute function promo.keep_evidence();
create trigger audit_kept before delete or truncate on promo.audit
  for each statement execute function promo.keep_evidence();
