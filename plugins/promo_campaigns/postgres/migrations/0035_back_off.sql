-- What a receiver asks for is kept by itself, so that workers hear of it who have leased tokens, or have none to lease.

-- part: locked on promo.rate_budget --
alter table promo.rate_budget add column backs_off_until timestamptz;
comment on column promo.rate_budget.backs_off_until is 'Until when no call begins, as a Retry-After asked for last.';
