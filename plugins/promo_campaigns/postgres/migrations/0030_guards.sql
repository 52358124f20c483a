-- What was told to somebody, or a run was opened with, cannot be changed by any statement.

-- part: locked on promo.assignment --
-- A change of state that may not be allowed is told in the trigger's condition, which costs no call: the legal ones,
-- commonest first. They are the edges of model/assignment_state.py; a test tries every pair. Two edges need evidence.
create or replace function promo.check_assignment_transition() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  -- A late ok for a send of unknown outcome that was to be made again.
  if (old.state, new.state) = ('assigned', 'accepted') and exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message' and t.outcome = 'ok')
  then
    return new;
  end if;
  -- What is to be sent again was refused: nothing of it can have arrived. A lease to ask a data source has no such attempt.
  if (old.state, new.state) = ('sending', 'assigned') and not exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message'
         and t.lease_token = old.lease_token and t.outcome is distinct from 'refused')
  then
    return new;
  end if;
  raise exception 'assignment (run %, contact %) may not go from % to %', old.run_id, old.contact_id, old.state, new.state
    using errcode = 'check_violation', constraint = 'assignment_transition';
end $$;
drop trigger assignment_transition on promo.assignment;
create trigger assignment_transition before update of state on promo.assignment
  for each row when (old.state is distinct from new.state and (old.state, new.state) not in (
    ('assigned', 'sending'), ('sending', 'accepted'), ('accepted', 'recorded'), ('pending', 'assigned'),
    ('pending', 'skipped'), ('sending', 'rejected'), ('sending', 'unknown'),
    ('unknown', 'sending'), ('unknown', 'accepted'), ('unknown', 'rejected'), ('unknown', 'assigned'),
    ('pending', 'expired'), ('assigned', 'expired'), ('assigned', 'pending'), ('assigned', 'unknown'),
    ('assigned', 'skipped'),
    ('skipped', 'pending'), ('rejected', 'pending'), ('expired', 'pending')))
  execute function promo.check_assignment_transition();

-- part: locked --
create function promo.keep_what_was_told() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  raise exception 'table %.%: what was told to somebody, or opened with, is never changed', tg_table_schema, tg_table_name
    using errcode = 'check_violation', constraint = tg_name;
end $$;

-- part: locked on promo.promo_code --
create trigger promo_code_told
  before update of code, type, discount, expires_at, code_file_id, retired, seen_at, twin, shared on promo.promo_code
  for each row when (
    (old.issued_at is not null
     and (old.code, old.type, old.discount, old.expires_at, old.code_file_id)
         is distinct from (new.code, new.type, new.discount, new.expires_at, new.code_file_id))
    or promo.code_key(old.code) <> promo.code_key(new.code)
    -- Only a file that is loaded anew brings a code back into the pool.
    or (old.retired and not new.retired and old.code_file_id = new.code_file_id)
    or (old.seen_at is not null and new.seen_at is null)
    or (old.twin, old.shared) is distinct from (new.twin, new.shared))
  execute function promo.keep_what_was_told();
-- The same code in another form is no other code.
create trigger promo_code_no_twin before insert on promo.promo_code
  for each row when (new.twin and not new.shared) execute function promo.keep_what_was_told();

-- part: locked on promo.run --
create trigger run_opened_with
  before update of run_id, run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, send_by
  on promo.run
  for each row when (
    (old.run_id, old.run_key, old.workflow, old.spec, old.spec_sha256, old.message, old.channel, old.code_type, old.discount,
     old.days, old.records, old.send_by)
    is distinct from
    (new.run_id, new.run_key, new.workflow, new.spec, new.spec_sha256, new.message, new.channel, new.code_type, new.discount,
     new.days, new.records, new.send_by))
  execute function promo.keep_what_was_told();
create trigger run_kept before delete or truncate on promo.run
  for each statement execute function promo.keep_evidence();
alter table promo.run add constraint run_approved_by_somebody
  check (approval is distinct from 'given' or coalesce(approved_by, '') <> '') not valid;

-- part: batches of promo.run by run_id --
update promo.run set approved_by = 'nobody knows' where approval = 'given' and coalesce(approved_by, '') = ''
  and run_id > %(low)s and run_id <= %(high)s;

-- part: online --
alter table promo.run validate constraint run_approved_by_somebody;

-- part: locked on promo.assignment --
create trigger assignment_is_of_its_contact before update of run_id, contact_id, resend_counter on promo.assignment
  for each row when (
    (old.run_id, old.contact_id) is distinct from (new.run_id, new.contact_id) or new.resend_counter < old.resend_counter)
  execute function promo.keep_what_was_told();

-- part: locked on promo.erasure_key --
-- Without the key an erased contact is nobody's any more, and may come back.
create trigger erasure_key_kept before delete or update or truncate on promo.erasure_key
  for each statement execute function promo.keep_evidence();

-- part: locked on promo.erased_identity --
create trigger erased_identity_kept before truncate on promo.erased_identity
  for each statement execute function promo.keep_evidence();
