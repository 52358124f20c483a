-- moment --
-- When it is sent: now, or later.
select greatest(promo.clock(), %(at)s::timestamptz) as at;

-- opens_at --
-- When contacts of a time zone may be written to, if it is sent at that moment.
select promo.opens_at(%(quiet_hours)s::int4multirange, %(zone)s::text, %(at)s::timestamptz,
                      make_interval(secs => %(open_s)s)) as opens
