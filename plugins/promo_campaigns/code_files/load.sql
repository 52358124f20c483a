-- create_staging --
-- Make the table that one file is staged in; it is gone with the transaction.
create temporary table staged_code (
  line       bigint      not null,
  code       text        not null,
  expires_at timestamptz not null,
  discount   smallint    not null,
  type       text        not null,
  retired    boolean     not null,
  attributes text,
  starts_at  timestamptz,
  key        text        collate "C" generated always as (promo.code_key(code)) stored
) on commit drop

-- fill_staging --
-- Take the accepted rows of a file, in the order of row_rules.AcceptedRow.
copy pg_temp.staged_code (line, code, expires_at, discount, type, retired) from stdin

-- fill_staging_with_marks --
-- Take the rows of a file whose header names attributes or a start, in the order of marks.MarkedRow.
copy pg_temp.staged_code (line, code, expires_at, discount, type, retired, attributes, starts_at) from stdin (null '')

-- tune_load --
-- Let this transaction sort in memory, and wait for another load of the same file however long that takes.
select set_config('work_mem', '64MB', true), set_config('lock_timeout', '0', true)

-- analyze_staging --
-- Tell the planner how large the file is.
analyze pg_temp.staged_code

-- read_clock --
-- Tell what time it is.
select promo.clock() as now

-- count_expired --
-- Count the rows of a file whose codes are over.
select count(*) as expired from pg_temp.staged_code where expires_at <= %(now)s

-- lock_file --
-- Let one transaction at a time load the file with these bytes.
select pg_advisory_xact_lock(%(lock)s)

-- find_file --
-- Find the file with these bytes and options that was loaded and not withdrawn.
select code_file_id, row_count, unchanged, rejected
from promo.code_file
where sha256 = %(sha256)s and withdrawn_at is null

-- was_withdrawn --
-- Whether the file with these bytes and options was withdrawn: some of its first codes are still its own.
with gone as materialized (
  select code_file_id from promo.code_file where sha256 = %(sha256)s and withdrawn_at is not null
)
select exists (
  select from (select key from pg_temp.staged_code limit 100) staged
  join promo.promo_code known on promo.code_key(known.code) collate "C" = staged.key
  join gone on gone.code_file_id = known.code_file_id
) as withdrawn

-- file_rejects --
-- List the rejected rows that are kept of a file.
select line, coalesce("column", '') as "column", reason
from promo.code_file_reject
where code_file_id = %(code_file_id)s
order by line, "column", reason

-- add_file --
-- Note a file before its codes; finish_file writes its counts.
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected, time_zone)
values (%(name)s, %(sha256)s, 0, 0, 0, 0, 0, nullif(%(time_zone)s::text, 'UTC'))
returning code_file_id

-- merge_staging --
-- Add the new codes and bring the known ones that nobody holds up to date; of a code that stands twice, the first line counts.
-- In the order of the unique index, as filling that index at random costs more than all else. Rows that stay as they are
-- are left out before, so that they are not locked: a claim skips locked codes.
with written as (
  insert into promo.promo_code as known
    (expires_at, code_file_id, line, discount, retired, code, type, attributes, waits_until)
  select staged.expires_at, %(code_file_id)s, staged.line, staged.discount, staged.retired, staged.code, staged.type,
         staged.attributes, staged.waits_until
  from (
    select distinct on (key) line, code, expires_at, discount, type, key,
           case when attributes is null then '' else attributes::jsonb::text end as attributes,
           retired or (starts_at is not null and starts_at > moment.at) as retired,
           case when not retired and starts_at > moment.at then starts_at end as waits_until
    from pg_temp.staged_code cross join (select promo.clock() as at offset 0) moment order by key, line) as staged
  left join promo.promo_code as before on promo.code_key(before.code) collate "C" = staged.key and not before.twin
  where before.promo_code_id is null
     or before.issued_at is null and before.seen_at is null
        and ((before.expires_at, before.discount, before.retired, before.code, before.type, before.attributes)
             <> (staged.expires_at, staged.discount, staged.retired, staged.code, staged.type, staged.attributes)
             or before.waits_until is distinct from staged.waits_until)
  order by staged.key
  on conflict (promo.code_key(code) collate "C") where not twin do update
    set expires_at = excluded.expires_at, code_file_id = excluded.code_file_id, line = excluded.line,
        discount = excluded.discount, retired = excluded.retired, code = excluded.code, type = excluded.type,
        attributes = excluded.attributes, waits_until = excluded.waits_until
    where known.issued_at is null and known.seen_at is null
      and ((known.expires_at, known.discount, known.retired, known.code, known.type, known.attributes)
           <> (excluded.expires_at, excluded.discount, excluded.retired, excluded.code, excluded.type, excluded.attributes)
           or known.waits_until is distinct from excluded.waits_until)
  returning known.xmax = 0 as is_new
)
select count(*) filter (where is_new) as inserted, count(*) filter (where not is_new) as updated from written

-- retire_issued --
-- Retire the issued codes that the file says are in use; else an issued code keeps all that its owner was told.
update promo.promo_code as known
set retired = true
from pg_temp.staged_code as staged
where promo.code_key(known.code) collate "C" = staged.key and not known.twin
  and staged.retired and known.issued_at is not null and not known.retired
  and not exists (
    select from pg_temp.staged_code as earlier where earlier.key = staged.key and earlier.line < staged.line)

-- staged_duplicates --
-- List the rows whose code stands in an earlier line of the file, the first of them, with the count of all.
select line, code, first_line, count(*) over () as total
from (select line, code, first_value(line) over (partition by key order by line) as first_line from pg_temp.staged_code) as staged
where line <> first_line
order by line
limit %(limit)s

-- finish_file --
-- Write the counts of a file whose codes are in.
update promo.code_file
set row_count = %(rows)s, inserted = %(inserted)s, updated = %(updated)s, unchanged = %(unchanged)s, rejected = %(rejected)s
where code_file_id = %(code_file_id)s

-- add_rejects --
-- Keep the rejected rows of a file.
insert into promo.code_file_reject (code_file_id, line, "column", reason)
select %(code_file_id)s, line, nullif("column", ''), reason
from unnest(%(lines)s::bigint[], %(columns)s::text[], %(reasons)s::text[]) as reject (line, "column", reason)

-- lock_for_withdrawal --
-- Find a file that is to be withdrawn, so that it is withdrawn once.
select name, withdrawn_at from promo.code_file where code_file_id = %(code_file_id)s for update

-- withdraw_file --
-- Note that a file is withdrawn; its bytes may be loaded again.
update promo.code_file set withdrawn_at = now() where code_file_id = %(code_file_id)s

-- retire_file --
-- Take all codes of a file out of the pool: the issued ones too, so that none returns to it.
with gone as (
  update promo.promo_code set retired = true, waits_until = null
  where code_file_id = %(code_file_id)s and (not retired or waits_until is not null) returning issued_at
)
select count(*) filter (where issued_at is null) as withdrawn from gone

-- issued_codes --
-- List the codes of a file that somebody holds, the first of them, with the count of all.
select code, line, issued_at, count(*) over () as total
from promo.promo_code
where code_file_id = %(code_file_id)s and issued_at is not null
order by line
limit %(limit)s
