-- What somebody with the application's rights may try: each statement is stopped by the schema, or seen by promo check.


-- What its owner was told of a code.

-- attack: the text of an issued code --
update promo.promo_code set code = 'OTHER' where promo_code_id = 1;

-- attack: the type of an issued code --
update promo.promo_code set type = 'Other' where promo_code_id = 1;

-- attack: the discount of an issued code --
update promo.promo_code set discount = 50 where promo_code_id = 1;

-- attack: a shorter life for an issued code --
update promo.promo_code set expires_at = now() where promo_code_id = 1;

-- attack: a longer life for an issued code --
update promo.promo_code set expires_at = 'infinity' where promo_code_id = 1;

-- attack: another text for a free code --
update promo.promo_code set code = 'OTHER' where promo_code_id = 10;

-- attack: all of an issued code at once --
update promo.promo_code set code = 'X', type = 'Y', discount = 1 where held_by = 1;


-- What makes a code nobody's, or somebody else's.

-- attack: a code that is free again though it is held --
update promo.promo_code set issued_at = null where promo_code_id = 1;

-- attack: a code of nobody --
update promo.promo_code set issued_at = null, held_by = null where promo_code_id = 1;

-- attack: a code of somebody else --
update promo.promo_code set held_by = 2 where promo_code_id = 1;

-- attack: a code that is held more often than it is --
update promo.promo_code set again = 3 where promo_code_id = 1;

-- attack: a code that is issued to nobody --
update promo.promo_code set issued_at = now() where promo_code_id = 10;

-- attack: a retired code back in the pool --
update promo.promo_code set retired = false where promo_code_id = 11;

-- attack: a seen code that was never seen --
update promo.promo_code set seen_at = null where promo_code_id = 12;

-- attack: a seen code back in the pool --
update promo.promo_code set seen_at = null, retired = false where promo_code_id = 12;

-- attack: a code that is no twin --
update promo.promo_code set twin = true where promo_code_id = 10;

-- attack: a code that is shared --
update promo.promo_code set twin = true, retired = true, shared = true where promo_code_id = 10;

-- attack: a code that is deleted --
delete from promo.promo_code where promo_code_id = 10;

-- attack: all codes --
truncate promo.promo_code cascade;

-- attack: the same code twice --
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
select code, type, discount, expires_at, false, code_file_id, line from promo.promo_code
where promo_code_id = 1;

-- attack: the same code as a twin --
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line, twin)
select code, type, discount, expires_at, false, code_file_id, line, true from promo.promo_code
where promo_code_id = 1;

-- attack: the same code in another Unicode form --
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
values (normalize('CAFÉ', NFD), 'Welcome', 10, now() + interval '9 days', false, 1, 1), (normalize('CAFÉ', NFC), 'Welcome', 10, now() + interval '9 days', false, 1, 2);

-- attack: the same code in lower case --
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
select lower(code), type, discount, expires_at, false, code_file_id, line from promo.promo_code
where promo_code_id = 1 and lower(code) = code collate "C" or promo_code_id = 1;

-- attack: a code of an expired year that is held --
update promo.promo_code set expires_at = '2000-01-01' where held_by = 2;


-- Assignments.

-- attack: an assignment of somebody else --
update promo.assignment set contact_id = 99 where contact_id = 1;

-- attack: an assignment of another run --
update promo.assignment set run_id = 2 where contact_id = 1 and run_id = 1;

-- attack: two who change places --
update promo.assignment set contact_id = 3 - contact_id where contact_id in (1, 2);

-- attack: a send that is to be made again --
update promo.assignment set state = 'assigned', lease_token = null, lease_until = null where state = 'sending';

-- attack: an accepted send that is to be made again --
update promo.assignment set state = 'assigned' where state = 'accepted';

-- attack: an accepted send that was refused --
update promo.assignment set state = 'rejected', reason = 'x', promo_code_id = null where state = 'accepted';

-- attack: a send that was accepted without an answer --
update promo.assignment set state = 'accepted', lease_token = null, lease_until = null where state = 'sending';

-- attack: a profile that was recorded without a write --
update promo.assignment set state = 'recorded' where state = 'accepted';

-- attack: an unknown send that is known --
update promo.assignment set state = 'accepted' where state = 'unknown';

-- attack: an unknown send that nobody sees --
delete from promo.unknown_send;

-- attack: a code that is somebody else's --
update promo.assignment set promo_code_id = 2 where contact_id = 1;

-- attack: a code that nobody holds --
update promo.assignment set promo_code_id = 10 where contact_id = 1;

-- attack: an assignment without its code --
update promo.assignment set promo_code_id = null where contact_id = 1;

-- attack: an assignment that is deleted --
delete from promo.assignment where contact_id = 1;

-- attack: all assignments --
truncate promo.assignment cascade;

-- attack: an old answer for a new try --
update promo.assignment set resend_counter = -1 where contact_id = 1;

-- attack: a pending contact with a code --
update promo.assignment set promo_code_id = 10 where state = 'pending';

-- attack: a lease without an end --
update promo.assignment set lease_until = null where state = 'sending';

-- attack: a state that does not follow --
update promo.assignment set state = 'recorded' where state = 'pending';

-- attack: a send without an intent --
update promo.assignment set state = 'sending', lease_token = 9, lease_until = now() where state = 'assigned';


-- Attempts.

-- attack: an attempt for nobody --
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose)
values (1, 999, 1, 999, 'message');

-- attack: an attempt of no run --
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose)
values (999, 1, 1, 999, 'message');

-- attack: an attempt with somebody else's code --
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose)
values (1, 1, 2, 999, 'message');

-- attack: an outcome that is changed --
update promo.attempt set outcome = 'refused' where outcome = 'ok';

-- attack: an outcome that is taken back --
update promo.attempt set outcome = null where outcome = 'ok';

-- attack: an attempt with another code --
update promo.attempt set promo_code_id = 10 where outcome is null;

-- attack: an attempt of another contact --
update promo.attempt set contact_id = contact_id + 1;

-- attack: an attempt that began at another time --
update promo.attempt set started_at = now() - interval '1 year';

-- attack: an attempt that is deleted --
delete from promo.attempt where outcome is null;

-- attack: all attempts --
truncate promo.attempt;


-- Runs.

-- attack: another key --
update promo.run set run_key = 'welcome/edition/two' where run_id = 1;

-- attack: another workflow --
update promo.run set workflow = 'other' where run_id = 1;

-- attack: another definition --
update promo.run set spec = '{}' where run_id = 1;

-- attack: another digest of the definition --
update promo.run set spec_sha256 = sha256('x') where run_id = 1;

-- attack: another channel --
update promo.run set channel = 'email' where run_id = 1;

-- attack: another pool --
update promo.run set code_type = 'Other', discount = 1 where run_id = 1;

-- attack: further pools --
update promo.run set pool_types = '{Welcome,Other}', pool_discounts = '{10,1}' where run_id = 1;

-- attack: attributes of a code that somebody holds --
update promo.promo_code set attributes = '{"store": "Kyiv"}' where promo_code_id = 1;

-- attack: other attributes to match --
update promo.run set match_names = '{store}', match_sources = '{contact.store}', pool_types = '{Welcome}', pool_discounts = '{10}' where run_id = 1;

-- attack: more days --
update promo.run set days = 0 where run_id = 1;

-- attack: a later end --
update promo.run set send_by = 'infinity' where run_id = 1;

-- attack: an earlier end --
update promo.run set send_by = now() - interval '1 day' where run_id = 1;

-- attack: a run that records no profile --
update promo.run set records = false, after = '{}' where run_id = 1;

-- attack: an approval by nobody --
update promo.run set approval = 'given', approved_at = now() where run_id = 2;

-- attack: an approval by no name --
update promo.run set approval = 'given', approved_at = now(), approved_by = '' where run_id = 2;

-- attack: an approval without a time --
update promo.run set approval = 'given', approved_by = 'anna' where run_id = 2;

-- attack: a run that is closed before it is done --
update promo.run set closed_at = now() where run_id = 1;

-- attack: a halt by nobody --
update promo.run set halt = 'cancelled' where run_id = 1;

-- attack: a run that is deleted --
delete from promo.run where run_id = 2;

-- attack: all runs --
truncate promo.run cascade;


-- What is kept beside.

-- attack: a count that is not true --
insert into promo.run_count values (1, now(), 5, 0, 0, 0, 0, 0, 0, 0, 0);

-- attack: no counts --
delete from promo.run_count;

-- attack: a demand that is not true --
insert into promo.code_demand values (1, 5);

-- attack: a stock that is not true --
update promo.code_stock set free = free + 5;

-- attack: no stock --
delete from promo.code_stock;

-- attack: a file that does not add up --
update promo.code_file set inserted = 99;

-- attack: an entry of the audit that is changed --
update promo.audit set actor = 'nobody';

-- attack: an entry of the audit that is deleted --
delete from promo.audit;

-- attack: all of the audit --
truncate promo.audit;


-- The archive.

-- attack: a run that is archived without a file --
update promo.run set closed_at = now(), archived_at = now() where run_id = 1;

-- attack: a run that is archived and dropped at once --
update promo.run set closed_at = now(), archived_at = now(), dropped_at = now() where run_id = 2;

-- attack: a file that was never read back --
insert into promo.archive_file (kind, run_id, path, verified_at, row_count, digest)
select kind, 1, 'there', now(), 1, sha256('') from unnest('{assignments,attempts}'::text[]) kind;
update promo.run set closed_at = now(), archived_at = now() where run_id = 1;

-- attack: contacts of a run that is not archived --
select promo.drop_archived_contacts(1, 0, 100);

-- attack: entries of the audit that are not archived --
select promo.drop_archived_entries(0, 100);

-- attack: a code that an archived run gave and none did --
insert into promo.archived_code (promo_code_id, run_id) values (1, 1);


-- Erasure.

-- attack: no key of erased contacts --
delete from promo.erasure_key;

-- attack: another key of erased contacts --
update promo.erasure_key set inner_pad = outer_pad;

-- attack: no erased contacts --
truncate promo.erased_identity;

-- attack: an erased contact with a name --
update promo.contact set first_name = 'Anna' where erased_at is not null;

-- attack: an erased contact with a channel --
insert into promo.contact_channel (contact_id, type, value) values (8, 'email', 'anna@example.org');

-- attack: a contact that is deleted --
delete from promo.contact where contact_id = 1;
