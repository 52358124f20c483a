-- What the ledger pays per contact, without giving up a promise.

-- part: locked on promo.assignment, promo.attempt, promo.promo_code --
-- Only a change of state that may not be allowed is worth a call: the legal ones, commonest first, are told in place.
drop trigger assignment_transition on promo.assignment;
create or replace function promo.check_assignment_transition() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  -- A late answer to a doubt that was to be sent again.
  if (old.state, new.state) = ('assigned', 'accepted') and exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message' and t.outcome = 'ok')
  then
    return new;
  end if;
  raise exception 'assignment (run %, contact %) may not go from % to %', old.run_id, old.contact_id, old.state, new.state
    using errcode = 'check_violation', constraint = 'assignment_transition';
end $$;
create trigger assignment_transition before update of state on promo.assignment
  for each row when (old.state is distinct from new.state and (old.state, new.state) not in (
    ('assigned', 'sending'), ('sending', 'accepted'), ('accepted', 'recorded'), ('pending', 'assigned'),
    ('pending', 'skipped'), ('sending', 'assigned'), ('sending', 'rejected'), ('sending', 'unknown'),
    ('unknown', 'sending'), ('unknown', 'accepted'), ('unknown', 'rejected'), ('unknown', 'assigned'),
    ('pending', 'expired'), ('assigned', 'expired'), ('assigned', 'pending'), ('assigned', 'unknown'),
    ('skipped', 'pending'), ('rejected', 'pending'), ('expired', 'pending')))
  execute function promo.check_assignment_transition();

-- Attempts are only ever made from assignment rows that are locked, assignments cannot be deleted (assignment_kept), and
-- codes are never deleted either: the keys checked nothing that could fail, at a third of the price of an intent.
alter table promo.attempt drop constraint attempt_run_id_contact_id_fkey, drop constraint attempt_promo_code_id_fkey;
create trigger promo_code_kept before delete or truncate on promo.promo_code
  for each statement execute function promo.keep_evidence();

-- part: online --
-- An attempt is settled once, soon after it was made: in place, if its page has room.
alter table promo.attempt set (fillfactor = 80);
