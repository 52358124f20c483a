-- end_lost --
-- A job whose server has not been heard of is over, so that another can begin.
update promo.background_job
set finished_at = promo.clock(), problem = 'the server that did it was stopped'
where kind = %(kind)s and subject = %(subject)s and finished_at is null
  and alive_at < promo.clock() - make_interval(secs => %(silent_s)s);

-- begin_job --
-- A new job, unless one like it is under way.
insert into promo.background_job (kind, subject, actor, terms) values (%(kind)s, %(subject)s, %(actor)s, %(terms)s)
on conflict (kind, subject) where finished_at is null do nothing
returning background_job_id;

-- forget_jobs --
-- Of the jobs that are over, all like it but the newest; and all of its kind that are too old to be of use.
delete from promo.background_job j
where j.kind = %(kind)s and j.finished_at is not null
  and (j.finished_at < promo.clock() - make_interval(secs => %(keep_s)s)
       or j.subject = %(subject)s and exists (
            select from promo.background_job newer
            where newer.kind = j.kind and newer.subject = j.subject and newer.finished_at is not null
              and newer.background_job_id > j.background_job_id));

-- tell_alive --
-- The job is being worked on, and so much of it is done.
update promo.background_job set alive_at = promo.clock(), done = greatest(done, %(done)s)
where background_job_id = %(job_id)s and finished_at is null;

-- finish_job --
-- The job is over.
update promo.background_job set finished_at = promo.clock(), done = greatest(done, %(done)s), result = %(result)s, problem = %(problem)s
where background_job_id = %(job_id)s and finished_at is null;

-- read_job --
-- A job by its token.
select * from promo.background_job where kind = %(kind)s and token = %(token)s;

-- newest_job --
-- The newest job of its kind and subject.
select * from promo.background_job where kind = %(kind)s and subject = %(subject)s
order by background_job_id desc limit 1;

-- newest_finished --
-- The newest that came to a result.
select * from promo.background_job
where kind = %(kind)s and subject = %(subject)s and result is not null
order by background_job_id desc limit 1;
