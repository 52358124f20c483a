-- keep_part --
-- The next contacts of a dry run.
insert into promo.dry_run_part (background_job_id, part, send, skipped, rejected, contacts)
values (%(job_id)s, %(part)s, %(send)s, %(skipped)s, %(rejected)s, %(contacts)s);

-- count_parts --
-- How many contacts a dry run has looked at.
select coalesce(sum(send + skipped + rejected), 0)::bigint as contacts,
       coalesce(sum(send), 0)::bigint as send, coalesce(sum(skipped), 0)::bigint as skipped,
       coalesce(sum(rejected), 0)::bigint as rejected
from promo.dry_run_part where background_job_id = %(job_id)s;

-- read_parts --
-- The next parts of a dry run.
select part, contacts from promo.dry_run_part
where background_job_id = %(job_id)s and part >= %(part)s order by part limit %(limit)s;

-- read_parts_to_send --
-- Those with contacts who would be sent to.
select part, contacts from promo.dry_run_part
where background_job_id = %(job_id)s and part >= %(part)s and send > 0 order by part limit %(limit)s;

-- read_parts_skipped --
-- Those with contacts who would be skipped.
select part, contacts from promo.dry_run_part
where background_job_id = %(job_id)s and part >= %(part)s and skipped > 0 order by part limit %(limit)s;

-- read_parts_rejected --
-- Those with contacts for whom the message cannot be rendered.
select part, contacts from promo.dry_run_part
where background_job_id = %(job_id)s and part >= %(part)s and rejected > 0 order by part limit %(limit)s;
