-- back_off --
-- Until when no worker begins a call, as a receiver asked for, and for how long that is.
backs_off_until, greatest(0, extract(epoch from backs_off_until - promo.clock()))::float8 as wait_s
