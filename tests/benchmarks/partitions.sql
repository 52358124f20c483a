-- people --
-- The contacts of every campaign, each with a token.
with new as (
  insert into promo.contact (first_name) select 'Name' from generate_series(1, %(contacts)s) returning contact_id
)
insert into promo.contact_channel (contact_id, type, value)
select contact_id, 'mobilepush', 'token-' || contact_id from new

-- cut_assignment --
-- The table in its partitioned form: what is unique in it holds the run's id already, so no promise is lost.
alter table promo.assignment rename to assignment_whole;
create table promo.assignment (
  like promo.assignment_whole including defaults including constraints, primary key (run_id, contact_id)
) partition by range (run_id);
create index on promo.assignment (contact_id, (-run_id));

-- cut_attempt --
-- The key by number must hold the run's id, so a number is unique by its sequence alone, as it is today in fact.
alter table promo.attempt rename to attempt_whole;
create table promo.attempt (
  like promo.attempt_whole including defaults including constraints,
  primary key (run_id, attempt_id), unique (run_id, contact_id, purpose, lease_token)
) partition by range (run_id);
alter table promo.attempt alter column attempt_id set default nextval('promo.attempt_attempt_id_seq');

-- cut_promo_code --
-- By pool. What is unique must hold type and discount, so that a code may stand in two pools, and no assignment can refer
-- to its code and its holder: two promises are lost.
alter table promo.promo_code rename to promo_code_whole;
create table promo.promo_code (
  like promo.promo_code_whole including defaults including constraints,
  primary key (promo_code_id, type, discount), unique (held_by, promo_code_id, type, discount)
) partition by hash (type, discount);
alter table promo.promo_code alter column promo_code_id set default nextval('promo.promo_code_promo_code_id_seq');
create unique index on promo.promo_code (promo.code_key(code) collate "C", type, discount);
create index on promo.promo_code (type, discount, expires_at, promo_code_id) where not retired and issued_at is null;
create index on promo.promo_code using brin (code_file_id int8_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);

-- refer --
-- The references of a partitioned ledger, where the codes are one table.
alter table promo.assignment
  add foreign key (run_id) references promo.run,
  add foreign key (contact_id) references promo.contact,
  add foreign key (contact_id, promo_code_id) references promo.promo_code (held_by, promo_code_id)

-- file --
-- The file that all codes come from.
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
values ('codes.csv', sha256('x'), 0, 0, 0, 0, 0)

-- codes --
-- Codes from one number on to another, in pools side by side; the first of them were issued in closed runs.
insert into promo.promo_code
  (promo_code_id, code, type, discount, expires_at, retired, code_file_id, line, issued_at, held_by)
overriding system value
select n, 'CODE-' || lpad(n::text, 10, '0'), 'Pool' || n %% %(pools)s, 10,
       now() + interval '60 days' + n * interval '1 ms', false, 1, n,
       case when n <= %(issued)s then now() end, case when n <= %(issued)s then 1 + (n - 1) %% %(contacts)s end
from generate_series(%(first)s + 1, %(last)s) n

-- stock --
-- What the triggers would have kept of the pools.
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
select type, discount, promo.stock_hour(expires_at), count(*) filter (where issued_at is null), count(issued_at), 0, 17
from promo.promo_code where promo_code_id > %(first)s and promo_code_id <= %(last)s group by 1, 2, 3

-- runs --
-- Closed runs.
insert into promo.run
  (run_id, run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, closed_at)
overriding system value
select n, 'past/' || n, 'past', '{}', sha256('x'), 'm', 'mobilepush', 'Pool0', 10, 7, false, now()
from generate_series(%(first)s::bigint, %(last)s::bigint) n

-- assignments --
-- Everybody of a closed run was recorded.
insert into promo.assignment (run_id, contact_id, promo_code_id, state)
select %(run_id)s, who, %(codes)s + who, 'recorded' from generate_series(1, %(contacts)s) who

-- attempts --
-- The evidence of a closed run: a message and a profile each.
insert into promo.attempt
  (run_id, contact_id, promo_code_id, lease_token, finished_at, purpose, outcome, outcome_id)
select %(run_id)s, who, %(codes)s + who, 1 + who / 1000, now(), purpose, 'ok', 1
from unnest(array['message', 'profile']) purpose, generate_series(1, %(contacts)s) who

-- sequences --
-- What comes next has the next numbers.
select setval(pg_get_serial_sequence('promo.run', 'run_id'), %(run_id)s),
       setval('promo.lease_token', 1000000)

-- triggers --
-- The triggers of a table, to be made again on its partitioned form.
select pg_get_triggerdef(oid) as made from pg_trigger where tgrelid = %(table)s::regclass and not tgisinternal

-- functions --
-- The functions whose bodies refer to tables themselves and not to their names: made again, they refer to the new ones.
select pg_get_functiondef(oid) as made from pg_proc
where pronamespace = 'promo'::regnamespace and prosqlbody is not null

-- some --
-- The audience of a new run.
select contact_id from promo.contact where contact_id <= {contacts}

-- sizes --
-- The bytes of a table with its indexes, its partitions included.
select coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(%(table)s::regclass))::bigint as bytes
from pg_partition_tree(%(table)s::regclass) where isleaf

-- written --
-- How far the write-ahead log has come, in bytes.
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint as bytes

-- delete_attempts --
-- Retention as it is without partitions.
delete from promo.attempt where run_id = %(run_id)s

-- delete_assignments --
-- The same of the audience.
delete from promo.assignment where run_id = %(run_id)s
