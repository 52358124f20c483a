-- read_refusing --
-- The receivers with an open circuit, and why; it stays open for good where no waiting helps.
select name, coalesce(reason, '') as reason, not isfinite(open_until) as for_good
from promo.receiver where open_until is not null order by name;

-- count_unknown_by_run --
-- Runs with more sends of unknown outcome than so many.
select r.run_key, count(*) as sends
from promo.unknown_send u join promo.run r using (run_id)
group by r.run_id having count(*) > %(over)s order by r.run_id;

-- read_told --
-- What somebody was told of, of these kinds.
select kind, subject from promo.alert where kind = any(%(kinds)s);

-- forget_alerts --
-- What is over may be told of anew.
delete from promo.alert a
where a.kind = any(%(kinds)s)
  and (a.kind, a.subject) not in (select * from unnest(%(found_kinds)s::text[], %(subjects)s::text[]))
returning a.kind, a.subject;

-- note_told --
-- Somebody was told of this.
insert into promo.alert (kind, subject) values (%(kind)s, %(subject)s) on conflict do nothing;
