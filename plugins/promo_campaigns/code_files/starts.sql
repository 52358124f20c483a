-- has_due_codes --
-- Whether codes wait whose start has come, and this account may put them into the pool.
select exists (select from promo.promo_code where waits_until <= promo.clock())
       and has_table_privilege('promo.promo_code', 'update') and current_setting('transaction_read_only') = 'off' as due;

-- start_codes --
-- Puts codes whose start has come into the pool.
update promo.promo_code set retired = false, waits_until = null where waits_until <= promo.clock();
