-- export_codes --
-- Who holds which code of a run, or of a workflow's runs, in order; nothing is sorted or gathered on the way.
select r.run_key, r.workflow, a.contact_id, c.external_id, p.code, p.type, p.discount, p.expires_at, a.state::text as state,
       evidence.accepted_at, evidence.recorded_at, a.reused_at
from promo.run r
join promo.assignment a on a.run_id = r.run_id
join promo.contact c on c.contact_id = a.contact_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
/* fragment ledger.times_of_success */
where r.run_id = any(%(run_ids)s)
order by a.run_id, a.contact_id;

-- runs_of_workflow --
-- The runs of a workflow, oldest first.
select run_id from promo.run where workflow = %(workflow)s order by run_id;

-- runs_of_workflow_since --
-- The runs of a workflow that were opened since then, oldest first.
select run_id from promo.run where workflow = %(workflow)s and opened_at >= %(since)s order by run_id;

-- keys_of_runs --
-- The keys of some runs.
select run_key from promo.run where run_id = any(%(run_ids)s) order by run_id;
