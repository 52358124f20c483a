-- Composed and decomposed letters make one code, as letter case does. Of codes that are the same only now, the one that was
-- given out stays, else the older; the others leave the pool, and stay with whoever holds them. And the zone in which a
-- file's dates were read, so that a message can name the day a code was sold for.

-- part: locked on promo.code_file --
alter table promo.code_file add column time_zone text;
comment on column promo.code_file.time_zone is 'IANA name of the zone in which its dates were read; null for UTC, and where nobody noted it.';

-- part: locked on promo.promo_code --
alter table promo.promo_code add column twin boolean not null default false;
comment on column promo.promo_code.twin is 'The same code as another one, but for how its letters are composed; from before these were compared.';
create function promo.composed_key(code text) returns text
  language sql immutable parallel safe
  return case when octet_length(code) = length(code) then lower(upper(code))
              else normalize(lower(upper(normalize(code, nfc))), nfc) end;

-- part: online --
create index concurrently promo_code_composed on promo.promo_code (promo.composed_key(code) collate "C");

-- part: batches of promo.promo_code by promo_code_id --
update promo.promo_code as later set twin = true, retired = true
where later.promo_code_id > %(low)s and later.promo_code_id <= %(high)s and not later.twin
  and exists (
    select from promo.promo_code as first
    where promo.composed_key(first.code) collate "C" = promo.composed_key(later.code) collate "C"
      and (first.issued_at is null, first.promo_code_id) < (later.issued_at is null, later.promo_code_id));

-- part: online --
create unique index concurrently promo_code_composed_key on promo.promo_code (promo.composed_key(code) collate "C") where not twin;

-- part: locked on promo.promo_code --
alter table promo.promo_code drop constraint promo_code_no_placeholder;
drop index promo.promo_code_key;
drop index promo.promo_code_composed;
drop function promo.code_key(text);
alter function promo.composed_key(text) rename to code_key;
alter index promo.promo_code_composed_key rename to promo_code_key;
alter table promo.promo_code
  add constraint promo_code_no_placeholder check (promo.code_key(code) not like 'test-no-code%') not valid;

-- part: online --
alter table promo.promo_code validate constraint promo_code_no_placeholder;
