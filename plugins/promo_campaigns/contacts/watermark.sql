-- read_watermark --
-- How far a reader came with this SELECT.
select kind, value from promo.contact_watermark where reader = %(reader)s and digest = %(digest)s

-- move_watermark --
-- How far it is now; another SELECT of the same reader begins anew.
insert into promo.contact_watermark (reader, digest, kind, value)
values (%(reader)s, %(digest)s, %(kind)s, %(value)s)
on conflict (reader) do update
  set digest = excluded.digest, kind = excluded.kind, value = excluded.value, moved_at = promo.clock()
