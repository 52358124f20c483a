-- live --
-- The newest run, and how many there are.
select max(run_id) as live, count(*) as runs from promo.run

-- paused --
-- A run that somebody paused.
select run_id from promo.run where halt = 'paused' limit 1

-- large --
-- The closed run that reached the most.
select run_id from promo.run_count where run_id < %(live)s - 3 group by 1 order by sum(recorded + accepted) desc limit 1

-- reached --
-- Contacts that the run reached.
select contact_id from promo.assignment where run_id = %(live)s and state in ('accepted', 'recorded') limit 200

-- unknown --
-- Contacts of whom nobody knows whether it did.
select contact_id from promo.unknown_send where run_id = %(live)s limit 200

-- held --
-- Codes that contacts of the run hold.
select code from promo.assignment join promo.promo_code using (promo_code_id) where run_id = %(live)s limit 200

-- files --
-- The newest code files.
select code_file_id from promo.code_file order by code_file_id desc limit 50

-- messages --
-- The newest messages of the inbox.
select idempotency_key::text from promo.inbox_message order by received_at desc limit 50
