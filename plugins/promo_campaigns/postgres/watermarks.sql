-- read_mark --
-- How far a reader of another database came; nothing where it asks otherwise than it did.
select kind, value from promo.watermark where reader = %(reader)s and digest is not distinct from %(digest)s::bytea;

-- move_mark --
-- How far it is now; a reader that asks otherwise begins anew.
insert into promo.watermark (reader, digest, kind, value)
values (%(reader)s, %(digest)s, %(kind)s, %(value)s)
on conflict (reader) do update
  set digest = excluded.digest, kind = excluded.kind, value = excluded.value, moved_at = promo.clock();
