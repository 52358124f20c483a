-- A store of the release before, at revision 0021_cheap_rows, with rows and an open run: what pg_dump --schema=promo
-- --no-owner --inserts said of it, without comments and settings.
SET check_function_bodies = false;
CREATE SCHEMA promo;
CREATE TYPE promo.assignment_state AS ENUM (
    'pending',
    'skipped',
    'assigned',
    'sending',
    'accepted',
    'rejected',
    'unknown',
    'recorded',
    'expired'
);
CREATE FUNCTION promo.channel_key(type text, value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (type = 'email'::text) THEN lower(value) ELSE value END;
CREATE FUNCTION promo.check_assignment_transition() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'promo'
    AS $$
begin
  -- A late answer to a doubt that was to be sent again.
  if (old.state, new.state) = ('assigned', 'accepted') and exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message' and t.outcome = 'ok')
  then
    return new;
  end if;
  raise exception 'assignment (run %, contact %) may not go from % to %', old.run_id, old.contact_id, old.state, new.state
    using errcode = 'check_violation', constraint = 'assignment_transition';
end $$;
CREATE FUNCTION promo.clock() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
  return clock_timestamp();
end $$;
CREATE FUNCTION promo.code_key(code text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(upper(code));
CREATE TABLE promo.assignment (
    run_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    promo_code_id bigint,
    lease_token bigint,
    lease_until timestamp with time zone,
    state promo.assignment_state DEFAULT 'pending'::promo.assignment_state NOT NULL,
    generation smallint DEFAULT 0 NOT NULL,
    reason text,
    time_zone text,
    reused_at timestamp with time zone,
    claim_id bigint,
    needs_code boolean DEFAULT false NOT NULL,
    CONSTRAINT assignment_code CHECK (((state = ANY (ARRAY['assigned'::promo.assignment_state, 'sending'::promo.assignment_state, 'accepted'::promo.assignment_state, 'unknown'::promo.assignment_state, 'recorded'::promo.assignment_state])) = (promo_code_id IS NOT NULL))),
    CONSTRAINT assignment_lease CHECK (((lease_token IS NULL) = (lease_until IS NULL))),
    CONSTRAINT assignment_reason CHECK (((state = ANY (ARRAY['skipped'::promo.assignment_state, 'rejected'::promo.assignment_state, 'expired'::promo.assignment_state])) = (reason IS NOT NULL))),
    CONSTRAINT assignment_sending CHECK (((state <> 'sending'::promo.assignment_state) OR (lease_until IS NOT NULL)))
)
WITH (fillfactor='60');
ALTER TABLE ONLY promo.assignment ALTER COLUMN promo_code_id SET STATISTICS 0;
ALTER TABLE ONLY promo.assignment ALTER COLUMN lease_token SET STATISTICS 0;
ALTER TABLE ONLY promo.assignment ALTER COLUMN lease_until SET STATISTICS 0;
ALTER TABLE ONLY promo.assignment ALTER COLUMN state SET STATISTICS 0;
COMMENT ON COLUMN promo.assignment.promo_code_id IS 'The code this contact holds. Given back, it is gone from here and stays in the attempts.';
COMMENT ON COLUMN promo.assignment.lease_token IS 'Fences the worker that is calling out for this row, message or profile, until lease_until.';
COMMENT ON COLUMN promo.assignment.generation IS 'Rises when a refused contact is sent to anew, so that a receiver does not answer for the refused try.';
COMMENT ON COLUMN promo.assignment.time_zone IS 'By which the run''s quiet hours go for this contact; frozen with the audience, null in a run without.';
COMMENT ON COLUMN promo.assignment.reused_at IS 'When the contact was given again a code it held already; null if its code was claimed for this run.';
COMMENT ON COLUMN promo.assignment.claim_id IS 'Drawn from the sequence of attempt_id before the contact''s messages were counted for the run''s cap, and the code claimed.';
COMMENT ON COLUMN promo.assignment.needs_code IS 'Whether the run counts on a code of the pool for this contact while it is pending: it could be reached, is not held out,
and is not given again what it holds.';
CREATE TABLE promo.promo_code (
    promo_code_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    issued_at timestamp with time zone,
    code_file_id bigint NOT NULL,
    line bigint NOT NULL,
    discount smallint NOT NULL,
    retired boolean NOT NULL,
    code text NOT NULL,
    type text NOT NULL,
    seen_at timestamp with time zone,
    held_by bigint,
    again smallint DEFAULT 0 NOT NULL,
    CONSTRAINT promo_code_again CHECK (((again = 0) OR ((again > 0) AND (held_by IS NOT NULL)))),
    CONSTRAINT promo_code_discount CHECK (((discount >= 0) AND (discount <= 99))),
    CONSTRAINT promo_code_free CHECK (((held_by IS NULL) OR (issued_at IS NOT NULL))),
    CONSTRAINT promo_code_no_placeholder CHECK ((promo.code_key(code) !~~ 'test-no-code%'::text)),
    CONSTRAINT promo_code_seen CHECK (((seen_at IS NULL) OR retired)),
    CONSTRAINT promo_code_trimmed CHECK (((code <> ''::text) AND (code = btrim(code)))),
    CONSTRAINT promo_code_type CHECK (((type <> ''::text) AND (type = btrim(type))))
);
COMMENT ON COLUMN promo.promo_code.issued_at IS 'When it was claimed for the first of the live assignments that hold it; null when nobody holds it.';
COMMENT ON COLUMN promo.promo_code.retired IS 'inUse as uploaded, or its file was withdrawn: it leaves the pool and never returns by itself.';
COMMENT ON COLUMN promo.promo_code.seen_at IS 'When it was taken from somebody for whom a data source had seen it already: it never becomes free again.';
COMMENT ON COLUMN promo.promo_code.held_by IS 'The contact whose it is, as long as an assignment holds it; nobody else can hold it.';
COMMENT ON COLUMN promo.promo_code.again IS 'How many more assignments hold it than the one it was claimed for: its contact was given it again.';
CREATE FUNCTION promo.code_to_reuse(a_contact bigint, a_type text, a_discount smallint, valid_until timestamp with time zone) RETURNS TABLE(promo_code_id bigint, code text, expires_at timestamp with time zone)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT p.promo_code_id,
     p.code,
     p.expires_at
    FROM (promo.assignment h
      JOIN promo.promo_code p ON ((p.promo_code_id = h.promo_code_id)))
   WHERE ((h.contact_id = code_to_reuse.a_contact) AND (h.promo_code_id IS NOT NULL) AND (p.type = code_to_reuse.a_type) AND (p.discount = code_to_reuse.a_discount) AND (NOT p.retired) AND (p.expires_at >= code_to_reuse.valid_until))
   ORDER BY (- h.run_id)
  LIMIT 1;
END;
CREATE FUNCTION promo.held_out(workflow text, contact_id bigint, percent numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((percent > (0)::numeric) AND ((((('x'::text || encode(substr(sha256(convert_to(((workflow || chr(10)) || (contact_id)::text), 'UTF8'::name)), 1, 6), 'hex'::text)))::bit(48))::bigint)::numeric < ((percent * ('281474976710656'::bigint)::numeric) / (100)::numeric)));
CREATE TABLE promo.contact_channel (
    contact_channel_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    type text NOT NULL,
    value text NOT NULL,
    unsubscribed_at timestamp with time zone,
    device jsonb,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT contact_channel_type_check CHECK ((type ~ '^[a-z][a-z0-9_]*$'::text)),
    CONSTRAINT contact_channel_value_check CHECK ((value <> ''::text))
);
COMMENT ON TABLE promo.contact_channel IS 'A way to reach a contact. A locator belongs to one contact; a contact may have several of one type (devices).';
COMMENT ON COLUMN promo.contact_channel.device IS 'What the caller said of the device behind a token (appId, os, ...), as sent.';
CREATE FUNCTION promo.code_needed(workflow text, hold_out numeric, channel text, reuses boolean, code_type text, discount smallint, days integer, a_contact bigint) RETURNS TABLE(needed boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((NOT ((hold_out > (0)::numeric) AND promo.held_out(workflow, a_contact, hold_out))) AND (EXISTS ( SELECT
            FROM promo.contact_channel c
           WHERE ((c.contact_id = code_needed.a_contact) AND (c.type = code_needed.channel) AND (c.unsubscribed_at IS NULL)))) AND (NOT (reuses AND (EXISTS ( SELECT
            FROM promo.code_to_reuse(code_needed.a_contact, code_needed.code_type, code_needed.discount, (promo.clock() + make_interval(days => code_needed.days))) code_to_reuse(promo_code_id, code, expires_at))))));
END;
CREATE FUNCTION promo.count_codes() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'promo'
    AS $$
begin
  if tg_op = 'INSERT' then
    insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
    select type, discount, promo.stock_hour(expires_at),
           count(*) filter (where issued_at is null and not retired),
           count(*) filter (where issued_at is not null),
           count(*) filter (where issued_at is null and retired),
           max(promo.json_bytes(code))
    from added group by 1, 2, 3;
  else
    insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
    select type, discount, promo.stock_hour(expires_at), sum(free), sum(issued), sum(retired), max(longest)
    from (
      select type, discount, expires_at,
             -count(*) filter (where issued_at is null and not retired) as free,
             -count(*) filter (where issued_at is not null) as issued,
             -count(*) filter (where issued_at is null and retired) as retired,
             0 as longest
      from gone group by 1, 2, 3
      union all
      select type, discount, expires_at,
             count(*) filter (where issued_at is null and not retired),
             count(*) filter (where issued_at is not null),
             count(*) filter (where issued_at is null and retired),
             max(promo.json_bytes(code))
      from added group by 1, 2, 3
    ) changed
    group by 1, 2, 3
    having sum(free) <> 0 or sum(issued) <> 0 or sum(retired) <> 0;
  end if;
  return null;
end $$;
CREATE TABLE promo.contact (
    contact_id bigint NOT NULL,
    external_id text,
    first_name text,
    last_name text,
    language text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone,
    time_zone text,
    CONSTRAINT contact_erased_bare CHECK (((erased_at IS NULL) OR (num_nonnulls(external_id, first_name, last_name, language, time_zone) = 0))),
    CONSTRAINT contact_external_id_check CHECK ((external_id <> ''::text)),
    CONSTRAINT contact_time_zone CHECK ((('2000-01-01 00:00:00'::timestamp without time zone AT TIME ZONE time_zone) > '-infinity'::timestamp with time zone))
);
COMMENT ON COLUMN promo.contact.time_zone IS 'IANA name; null for the time zone of the run. A name that Postgres does not know is an error.';
CREATE TABLE promo.event (
    event_id bigint NOT NULL,
    type text NOT NULL,
    key text,
    contact_id bigint,
    params jsonb,
    token uuid NOT NULL,
    received_at timestamp with time zone DEFAULT promo.clock() NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    CONSTRAINT event_type_check CHECK ((type <> ''::text))
);
COMMENT ON TABLE promo.event IS 'One event as it was received. Key and params are erased after a while, since they hold addresses.';
COMMENT ON COLUMN promo.event.contact_id IS 'Who it is about; null when the event names nobody that can be found or made.';
COMMENT ON COLUMN promo.event.token IS 'Made from the caller''s Idempotency-Key, else at random: the same request sent again is the same event.';
COMMENT ON COLUMN promo.event.kept IS 'Set when its key and params are erased: whether a run took it, so that it stays, for the rules of re-entry.';
CREATE TABLE promo.event_turn (
    event_id bigint NOT NULL,
    workflow text NOT NULL,
    contact_id bigint,
    received_at timestamp with time zone NOT NULL,
    run_id bigint,
    taken_at timestamp with time zone,
    refused text,
    CONSTRAINT event_turn_taken CHECK ((((taken_at IS NOT NULL) = (num_nonnulls(run_id, refused) = 1)) AND (num_nonnulls(run_id, refused) <= 1)))
);
COMMENT ON TABLE promo.event_turn IS 'The queue: an event waits for a workflow until a run has taken it or it was refused, with the reason.';
CREATE TABLE promo.run (
    run_id bigint NOT NULL,
    run_key text NOT NULL,
    workflow text NOT NULL,
    spec jsonb NOT NULL,
    spec_sha256 bytea NOT NULL,
    message text NOT NULL,
    channel text NOT NULL,
    code_type text NOT NULL,
    discount smallint NOT NULL,
    days integer NOT NULL,
    records boolean NOT NULL,
    send_by timestamp with time zone,
    mode text DEFAULT 'missing'::text NOT NULL,
    opened_at timestamp with time zone DEFAULT promo.clock() NOT NULL,
    closed_at timestamp with time zone,
    before smallint[] DEFAULT '{}'::smallint[] NOT NULL,
    after smallint[] DEFAULT '{}'::smallint[] NOT NULL,
    quiet_hours int4multirange,
    time_zone text,
    cap_messages smallint,
    cap_window interval,
    hold_out numeric(4,2) DEFAULT 0 NOT NULL,
    stock_policy text DEFAULT 'fail'::text NOT NULL,
    forecast jsonb,
    reuses boolean DEFAULT false NOT NULL,
    approval text,
    approved_by text,
    approved_at timestamp with time zone,
    CONSTRAINT run_approval CHECK ((approval = ANY (ARRAY['awaited'::text, 'given'::text, 'refused'::text]))),
    CONSTRAINT run_approved_by CHECK (((approved_by IS NULL) OR (approved_at IS NOT NULL))),
    CONSTRAINT run_approved_whole CHECK (((approved_at IS NOT NULL) = ((approval IS NOT NULL) AND (approval <> 'awaited'::text)))),
    CONSTRAINT run_cap CHECK (((cap_messages IS NULL) = (cap_window IS NULL))),
    CONSTRAINT run_cap_messages_check CHECK ((cap_messages > 0)),
    CONSTRAINT run_cap_window_check CHECK ((cap_window > '00:00:00'::interval)),
    CONSTRAINT run_days_check CHECK ((days >= 0)),
    CONSTRAINT run_discount_check CHECK (((discount >= 0) AND (discount <= 99))),
    CONSTRAINT run_hold_out CHECK (((hold_out >= (0)::numeric) AND (hold_out <= (99)::numeric))),
    CONSTRAINT run_mode_check CHECK ((mode = ANY (ARRAY['missing'::text, 'profiles'::text, 'refuse'::text]))),
    CONSTRAINT run_quiet_hours CHECK (((quiet_hours IS NULL) = (time_zone IS NULL))),
    CONSTRAINT run_records CHECK ((records = (after <> '{}'::smallint[]))),
    CONSTRAINT run_run_key_check CHECK ((run_key <> ''::text)),
    CONSTRAINT run_spec_sha256_check CHECK ((octet_length(spec_sha256) = 32)),
    CONSTRAINT run_stock_policy_check CHECK ((stock_policy = ANY (ARRAY['fail'::text, 'partial'::text, 'wait'::text]))),
    CONSTRAINT run_time_zone CHECK ((('2000-01-01 00:00:00'::timestamp without time zone AT TIME ZONE time_zone) > '-infinity'::timestamp with time zone))
);
COMMENT ON COLUMN promo.run.run_key IS 'Workflow and occurrence: what makes two runs the same send. Never a task try.';
COMMENT ON COLUMN promo.run.spec_sha256 IS 'Digest of the definition the run was opened with; another definition under the same key is refused.';
COMMENT ON COLUMN promo.run.records IS 'Whether the message binds a data source that records the code on the profile.';
COMMENT ON COLUMN promo.run.mode IS 'What running it again does once it is closed: send to whoever is missing, repair profiles only, or nothing.';
COMMENT ON COLUMN promo.run.before IS 'The data sources called before the message, by their place in the definition.';
COMMENT ON COLUMN promo.run.after IS 'The data sources called once the message was accepted, by their place in the definition.';
COMMENT ON COLUMN promo.run.quiet_hours IS 'Minutes of the week, Monday first, in which nobody is given a code or sent anything.';
COMMENT ON COLUMN promo.run.time_zone IS 'Of contacts that have none.';
COMMENT ON COLUMN promo.run.cap_messages IS 'How many messages of the channel a contact may get within cap_window, from all runs together.';
COMMENT ON COLUMN promo.run.hold_out IS 'Percent of the reachable contacts who are kept without a code.';
COMMENT ON COLUMN promo.run.stock_policy IS 'What a pool that is too small does: nothing is opened, some go without a code, or the run waits for codes.';
COMMENT ON COLUMN promo.run.forecast IS 'Codes wanted and codes in stock when the run was opened, or opened again.';
COMMENT ON COLUMN promo.run.reuses IS 'Whether a contact that holds a code of the pool which is valid long enough is given that one again.';
COMMENT ON COLUMN promo.run.approval IS 'What a person said of the run; null for one that nobody is asked about.';
COMMENT ON COLUMN promo.run.approved_by IS 'Who approved or refused it, as Airflow names them; null where nobody answered in time.';
CREATE FUNCTION promo.event_refusal(a_workflow text, a_type text, an_event bigint, a_contact bigint, a_time timestamp with time zone, reentry text, period interval, alone boolean, max_age interval) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (NOT (EXISTS (SELECT FROM promo.contact c WHERE ((c.contact_id = event_refusal.a_contact) AND (c.erased_at IS NULL))))) THEN 'no contact'::text WHEN (NOT (EXISTS (SELECT FROM promo.event e WHERE ((e.event_id = event_refusal.an_event) AND (e.type = event_refusal.a_type))))) THEN 'another type'::text WHEN (a_time < (promo.clock() - max_age)) THEN 'too old'::text WHEN ((reentry = 'once'::text) AND (EXISTS (SELECT FROM promo.event_turn t WHERE ((t.workflow = event_refusal.a_workflow) AND (t.contact_id = event_refusal.a_contact) AND (t.run_id IS NOT NULL))))) THEN 'once'::text WHEN ((reentry = 'period'::text) AND (EXISTS (SELECT FROM promo.event_turn t WHERE ((t.workflow = event_refusal.a_workflow) AND (t.contact_id = event_refusal.a_contact) AND (t.run_id IS NOT NULL) AND (t.received_at > (event_refusal.a_time - event_refusal.period)) AND (t.received_at < (event_refusal.a_time + event_refusal.period)))))) THEN 'once per period'::text WHEN (alone AND (EXISTS (SELECT FROM promo.event_turn t WHERE ((t.workflow = event_refusal.a_workflow) AND (t.contact_id = event_refusal.a_contact) AND (t.run_id IS NOT NULL) AND (SELECT (r.closed_at IS NULL) FROM promo.run r WHERE (r.run_id = t.run_id)))))) THEN 'in progress'::text ELSE NULL::text END;
CREATE FUNCTION promo.first_capped_run(a_channel text, since timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT LEAST(( SELECT r.run_id
            FROM promo.run r
           WHERE ((r.channel = first_capped_run.a_channel) AND (r.closed_at IS NULL))
           ORDER BY r.channel, r.run_id
          LIMIT 1), ( SELECT min(recent.run_id) AS min
            FROM ( SELECT r.run_id
                    FROM promo.run r
                   WHERE ((r.channel = first_capped_run.a_channel) AND (r.closed_at > (first_capped_run.since - '01:00:00'::interval)))
                  OFFSET 0) recent)) AS "least";
END;
CREATE FUNCTION promo.stock_hour(expires_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN date_bin('01:00:00'::interval, expires_at, '1970-01-01 00:00:00+00'::timestamp with time zone);
CREATE TABLE promo.code_stock (
    type text NOT NULL,
    discount smallint NOT NULL,
    hour timestamp with time zone NOT NULL,
    free bigint NOT NULL,
    issued bigint NOT NULL,
    retired bigint NOT NULL,
    longest integer NOT NULL
);
COMMENT ON TABLE promo.code_stock IS 'How many codes there are of a pool, by the hour in which they run out: the sum of its rows. Whoever changes codes adds
a row, so that nobody waits for anybody; compact_stock makes one row of many.';
COMMENT ON COLUMN promo.code_stock.free IS 'Neither issued nor retired; those whose time has passed are among them.';
COMMENT ON COLUMN promo.code_stock.retired IS 'Retired and not issued.';
COMMENT ON COLUMN promo.code_stock.longest IS 'Bytes of the longest code in an XCom, of all that there ever were.';
CREATE FUNCTION promo.free_codes(a_type text, a_discount smallint, valid_until timestamp with time zone) RETURNS TABLE(codes bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (( SELECT (COALESCE(sum(s.free), (0)::numeric))::bigint AS "coalesce"
            FROM promo.code_stock s
           WHERE ((s.type = free_codes.a_type) AND (s.discount = free_codes.a_discount) AND (s.hour > promo.stock_hour(free_codes.valid_until)))) + ( SELECT count(*) AS count
            FROM promo.promo_code p
           WHERE ((p.type = free_codes.a_type) AND (p.discount = free_codes.a_discount) AND (NOT p.retired) AND (p.issued_at IS NULL) AND (p.expires_at >= free_codes.valid_until) AND (p.expires_at < (promo.stock_hour(free_codes.valid_until) + '01:00:00'::interval)))));
END;
CREATE FUNCTION promo.identity_digest(inner_pad bytea, outer_pad bytea, kind text, key text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256((outer_pad || sha256((inner_pad || convert_to(((kind || chr(10)) || key), 'UTF8'::name)))));
COMMENT ON FUNCTION promo.identity_digest(inner_pad bytea, outer_pad bytea, kind text, key text) IS 'The form of HMAC-SHA256. kind is ''external id'' or a type of channel; key is what makes two of them the same.';
CREATE TABLE promo.answer (
    run_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    promo_code_id bigint,
    received_at timestamp with time zone DEFAULT promo.clock() NOT NULL,
    source smallint NOT NULL,
    generation smallint NOT NULL,
    value jsonb NOT NULL,
    CONSTRAINT answer_size CHECK ((octet_length((value)::text) <= 262144))
);
COMMENT ON TABLE promo.answer IS 'What a data source answered before the message, which reads it. Asked once; kept so that a retry sends the same.';
COMMENT ON COLUMN promo.answer.promo_code_id IS 'The code it was asked with, null if the source was not told; an answer to another code is asked for anew.';
COMMENT ON COLUMN promo.answer.generation IS 'The assignment''s generation when it was asked; a contact that is sent to anew is asked for anew.';
CREATE FUNCTION promo.is_answered(run_id bigint, contact_id bigint, promo_code_id bigint, generation smallint, source smallint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (EXISTS (SELECT FROM promo.answer w WHERE ((w.run_id = is_answered.run_id) AND (w.contact_id = is_answered.contact_id) AND (w.source = is_answered.source) AND (w.generation = is_answered.generation) AND ((w.promo_code_id IS NULL) OR (w.promo_code_id = is_answered.promo_code_id)))));
CREATE FUNCTION promo.minute_of_week(at timestamp with time zone, zone text) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (((((EXTRACT(isodow FROM (at AT TIME ZONE zone)))::integer - 1) * 1440) + ((EXTRACT(hour FROM (at AT TIME ZONE zone)))::integer * 60)) + (EXTRACT(minute FROM (at AT TIME ZONE zone)))::integer);
CREATE FUNCTION promo.is_quiet(quiet_hours int4multirange, zone text, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((quiet_hours IS NOT NULL) AND (quiet_hours @> promo.minute_of_week(at, zone)));
CREATE FUNCTION promo.is_single_channel(type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (type = ANY (ARRAY['email'::text, 'sms'::text]));
CREATE FUNCTION promo.json_bytes(code text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN (octet_length(code) = length(code)) THEN octet_length((to_json(code))::text) ELSE ((12 * length(code)) + 2) END;
CREATE FUNCTION promo.keep_evidence() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'promo'
    AS $$
begin
  raise exception 'table %.% keeps evidence: rows are added and settled once, never changed or removed', tg_table_schema, tg_table_name
    using errcode = 'check_violation', constraint = 'attempt_append_only';
end $$;
CREATE FUNCTION promo.keep_unknown() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'promo'
    AS $$
begin
  if new.state = 'unknown' then
    insert into promo.unknown_send (run_id, contact_id) values (new.run_id, new.contact_id) on conflict do nothing;
  else
    delete from promo.unknown_send u where u.run_id = new.run_id and u.contact_id = new.contact_id;
  end if;
  return null;
end $$;
CREATE FUNCTION promo.knows_zone(zone text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
begin
  return timestamp '2000-01-01' at time zone zone is not null;
exception when invalid_parameter_value then
  return false;
end
$$;
COMMENT ON FUNCTION promo.knows_zone(zone text) IS 'Whether the server can tell the time in a zone, without an error where it cannot.';
CREATE FUNCTION promo.opens_at(quiet_hours int4multirange, zone text, at timestamp with time zone, while_open interval) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN ((NOT promo.is_quiet(quiet_hours, zone, at)) AND (NOT promo.is_quiet(quiet_hours, zone, (at + while_open)))) THEN at ELSE COALESCE((SELECT minute.minute FROM generate_series((date_trunc('minute'::text, opens_at.at) + '00:01:00'::interval), (opens_at.at + '8 days'::interval), '00:01:00'::interval) minute(minute) WHERE ((NOT promo.is_quiet(opens_at.quiet_hours, opens_at.zone, minute.minute)) AND (NOT promo.is_quiet(opens_at.quiet_hours, opens_at.zone, (minute.minute + opens_at.while_open)))) ORDER BY minute.minute LIMIT 1), (at + '8 days'::interval)) END;
CREATE FUNCTION promo.refuse_erased() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'promo'
    AS $$
begin
  if exists (select from promo.contact c where c.erased_at is not null and c.contact_id in (select a.contact_id from added a)) then
    raise exception 'the contact was erased meanwhile' using errcode = 'foreign_key_violation', constraint = 'contact_erased';
  end if;
  return null;
end $$;
CREATE FUNCTION promo.reopen_run() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'promo'
    AS $$
begin
  perform from promo.run r where r.run_id = new.run_id for key share;
  update promo.run r set closed_at = null
  where r.run_id = new.run_id and r.closed_at is not null and (new.state <> 'accepted' or r.records);
  return null;
end $$;
CREATE TABLE promo.attempt (
    attempt_id bigint NOT NULL,
    run_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    promo_code_id bigint NOT NULL,
    lease_token bigint NOT NULL,
    started_at timestamp with time zone DEFAULT promo.clock() NOT NULL,
    finished_at timestamp with time zone,
    purpose text NOT NULL,
    outcome text,
    detail text,
    source smallint DEFAULT 0 NOT NULL,
    shows_code boolean DEFAULT true NOT NULL,
    outcome_id bigint,
    CONSTRAINT attempt_outcome CHECK (((outcome IS NULL) >= (finished_at IS NULL))),
    CONSTRAINT attempt_outcome_check CHECK ((outcome = ANY (ARRAY['ok'::text, 'refused'::text]))),
    CONSTRAINT attempt_purpose_check CHECK ((purpose = ANY (ARRAY['message'::text, 'profile'::text, 'answer'::text])))
)
WITH (fillfactor='50');
ALTER TABLE ONLY promo.attempt ALTER COLUMN outcome SET STATISTICS 0;
COMMENT ON TABLE promo.attempt IS 'One call made for an assignment. Append-only; its outcome is written once. No outcome means: nobody knows.';
COMMENT ON COLUMN promo.attempt.source IS 'Which of the run''s data sources was called, by its place in the definition; 0 for a message.';
COMMENT ON COLUMN promo.attempt.shows_code IS 'Whether the code left with the call; of the calls before a message only those of a source that reads it.';
COMMENT ON COLUMN promo.attempt.outcome_id IS 'Drawn from the sequence of attempt_id when the outcome was written: what has a smaller id came before. Null in attempts
that are older than the column.';
CREATE FUNCTION promo.was_seen(run_id bigint, contact_id bigint, promo_code_id bigint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (EXISTS (SELECT FROM promo.attempt t WHERE ((t.run_id = was_seen.run_id) AND (t.contact_id = was_seen.contact_id) AND (t.promo_code_id = was_seen.promo_code_id) AND (t.purpose = 'answer'::text) AND t.shows_code AND (t.outcome IS DISTINCT FROM 'refused'::text))));
CREATE TABLE promo.alembic_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE promo.attempt ALTER COLUMN attempt_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.attempt_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.audit (
    audit_id bigint NOT NULL,
    begun_at timestamp with time zone DEFAULT promo.clock() NOT NULL,
    finished_at timestamp with time zone,
    row_count bigint,
    revealed boolean DEFAULT false NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    actor text NOT NULL,
    CONSTRAINT audit_action_check CHECK ((action = ANY (ARRAY['export'::text, 'erase'::text, 'readmit'::text]))),
    CONSTRAINT audit_finished CHECK (((finished_at IS NULL) = (row_count IS NULL)))
);
COMMENT ON TABLE promo.audit IS 'Who exported codes, or erased a contact: written before it begins, and settled once. Append-only.';
COMMENT ON COLUMN promo.audit.subject IS 'Which run, workflow or contact, by key or id: never an address.';
ALTER TABLE promo.audit ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.audit_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.code_demand (
    run_id bigint NOT NULL,
    codes bigint NOT NULL
);
COMMENT ON TABLE promo.code_demand IS 'How many codes a run that is open has still to claim: the sum of its rows, and the count of its pending contacts that
need a code. Whoever claims adds a row, so that nobody waits for anybody; a run that is closed has none.';
CREATE TABLE promo.code_file (
    code_file_id bigint NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    row_count bigint NOT NULL,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    rejected bigint NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT code_file_counts CHECK ((row_count = (((inserted + updated) + unchanged) + rejected))),
    CONSTRAINT code_file_sha256_check CHECK ((octet_length(sha256) = 32))
);
COMMENT ON TABLE promo.code_file IS 'One uploaded file. The same bytes are loaded once, unless the file was withdrawn in between.';
ALTER TABLE promo.code_file ALTER COLUMN code_file_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.code_file_code_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.code_file_reject (
    code_file_id bigint NOT NULL,
    line bigint NOT NULL,
    "column" text,
    reason text NOT NULL
);
COMMENT ON TABLE promo.code_file_reject IS 'A row of a file that was not loaded. It never holds the row itself: a code is as good as money.';
ALTER TABLE promo.contact_channel ALTER COLUMN contact_channel_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.contact_channel_contact_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE promo.contact ALTER COLUMN contact_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.contact_contact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.contact_field (
    contact_field_id bigint NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    CONSTRAINT contact_field_name_check CHECK (((name <> ''::text) AND (name = btrim(name)))),
    CONSTRAINT contact_field_type_check CHECK ((type = ANY (ARRAY['textfield'::text, 'textarea'::text, 'combobox'::text, 'checkboxlist'::text, 'date'::text, 'datetime'::text, 'number'::text, 'decimal'::text])))
);
ALTER TABLE promo.contact_field ALTER COLUMN contact_field_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME promo.contact_field_contact_field_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.contact_field_value (
    contact_id bigint NOT NULL,
    contact_field_id bigint NOT NULL,
    value text NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE promo.contact_import (
    contact_import_id bigint NOT NULL,
    session_id uuid DEFAULT gen_random_uuid() NOT NULL,
    request jsonb,
    state text DEFAULT 'queued'::text NOT NULL,
    total integer NOT NULL,
    inserted integer DEFAULT 0 NOT NULL,
    updated integer DEFAULT 0 NOT NULL,
    unchanged integer DEFAULT 0 NOT NULL,
    failures jsonb DEFAULT '[]'::jsonb NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT contact_import_finished CHECK (((state = 'queued'::text) = (finished_at IS NULL))),
    CONSTRAINT contact_import_request CHECK (((state = 'queued'::text) = (request IS NOT NULL))),
    CONSTRAINT contact_import_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'finished'::text, 'failed'::text])))
);
COMMENT ON TABLE promo.contact_import IS 'A bulk request of the profile API: accepted here, answered, then worked off in order of arrival.';
COMMENT ON COLUMN promo.contact_import.request IS 'The contacts as accepted; erased when they are in place, since it holds addresses.';
COMMENT ON COLUMN promo.contact_import.failures IS 'Positions in the request with a reason, never a value.';
ALTER TABLE promo.contact_import ALTER COLUMN contact_import_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.contact_import_contact_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.erased_identity (
    digest bytea NOT NULL,
    contact_id bigint NOT NULL,
    CONSTRAINT erased_identity_digest_check CHECK ((octet_length(digest) = 32))
);
CREATE TABLE promo.erasure_key (
    one boolean DEFAULT true NOT NULL,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL,
    CONSTRAINT erasure_key_inner_pad_check CHECK ((octet_length(inner_pad) = 64)),
    CONSTRAINT erasure_key_one_check CHECK (one),
    CONSTRAINT erasure_key_outer_pad_check CHECK ((octet_length(outer_pad) = 64))
);
COMMENT ON TABLE promo.erasure_key IS 'The key of the digests, in two halves. Without it nobody can tell whose they are: deleting it forgets for good.';
ALTER TABLE promo.event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.event_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.event_listener (
    workflow text NOT NULL,
    type text NOT NULL,
    since timestamp with time zone DEFAULT promo.clock() NOT NULL,
    quiet_until timestamp with time zone,
    taken_by text
)
WITH (fillfactor='50');
COMMENT ON TABLE promo.event_listener IS 'Which workflow answers events of which type: every event from then on gets a turn for it.';
COMMENT ON COLUMN promo.event_listener.quiet_until IS 'Nobody wakes the workflow before: it was woken just now, or is taking its events.';
COMMENT ON COLUMN promo.event_listener.taken_by IS 'Who takes its events, or took them last: the run key of a DAG run.';
CREATE TABLE promo.inbox_message (
    idempotency_key uuid NOT NULL,
    contact_id bigint NOT NULL,
    channel text NOT NULL,
    locator text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    body text NOT NULL,
    received_at timestamp with time zone DEFAULT promo.clock() NOT NULL
);
CREATE SEQUENCE promo.lease_token
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER TABLE promo.promo_code ALTER COLUMN promo_code_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.promo_code_promo_code_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.rate_budget (
    receiver text NOT NULL,
    next_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    seats jsonb DEFAULT '{}'::jsonb NOT NULL
)
WITH (fillfactor='50');
COMMENT ON COLUMN promo.rate_budget.next_at IS 'When the next turn that nobody has leased is; a Retry-After moves it.';
COMMENT ON COLUMN promo.rate_budget.seats IS 'Calls that may be under way: by worker, how many seats it holds and wants, and when they come back if it is killed.';
CREATE TABLE promo.receiver (
    name text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    probe_until timestamp with time zone,
    reason text
)
WITH (fillfactor='50');
COMMENT ON TABLE promo.receiver IS 'The circuit breaker: after failures in a row nothing is claimed for a receiver until open_until; then one probes.';
ALTER TABLE promo.run ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME promo.run_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE promo.stock_level (
    type text NOT NULL,
    level text NOT NULL,
    amount bigint NOT NULL,
    told_at timestamp with time zone DEFAULT promo.clock() NOT NULL,
    CONSTRAINT stock_level_amount_check CHECK ((amount >= 0)),
    CONSTRAINT stock_level_level_check CHECK ((level = ANY (ARRAY['warning'::text, 'alarm'::text])))
);
COMMENT ON TABLE promo.stock_level IS 'A level that the free codes of a type have reached. The row goes when they rise above it again.';
CREATE TABLE promo.unknown_send (
    run_id bigint NOT NULL,
    contact_id bigint NOT NULL
);
COMMENT ON TABLE promo.unknown_send IS 'The assignments in state unknown, as their trigger keeps them: what to look at, in all runs.';
CREATE VIEW promo.unknown_send_shown AS
 SELECT r.run_key,
    u.run_id,
    u.contact_id,
    a.generation,
    p.code,
    sent.first_attempt,
    sent.attempts
   FROM ((((promo.unknown_send u
     CROSS JOIN LATERAL ( SELECT h.generation,
            h.promo_code_id
           FROM promo.assignment h
          WHERE ((h.run_id = u.run_id) AND (h.contact_id = u.contact_id) AND (h.state = 'unknown'::promo.assignment_state))
         OFFSET 0) a)
     JOIN promo.run r ON ((r.run_id = u.run_id)))
     JOIN promo.promo_code p ON ((p.promo_code_id = a.promo_code_id)))
     CROSS JOIN LATERAL ( SELECT min(t.started_at) AS first_attempt,
            count(*) AS attempts
           FROM promo.attempt t
          WHERE ((t.run_id = u.run_id) AND (t.contact_id = u.contact_id) AND (t.purpose = 'message'::text))) sent)
  WHERE (sent.attempts > 0);
INSERT INTO promo.alembic_version VALUES ('0021_cheap_rows');
INSERT INTO promo.assignment VALUES (1, 1, 1, NULL, NULL, 'recorded', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (1, 2, 2, NULL, NULL, 'recorded', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 1, NULL, NULL, NULL, 'pending', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 2, NULL, NULL, NULL, 'pending', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 3, NULL, NULL, NULL, 'pending', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 10, NULL, NULL, NULL, 'skipped', 0, 'no channel', NULL, NULL, NULL, false);
INSERT INTO promo.assignment VALUES (2, 4, 3, NULL, NULL, 'assigned', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 6, 5, NULL, NULL, 'accepted', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 7, NULL, NULL, NULL, 'rejected', 0, 'refused', NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 8, 7, NULL, NULL, 'unknown', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 9, 8, NULL, NULL, 'recorded', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.assignment VALUES (2, 5, 4, 5, '2026-01-05 14:35:45.800947+00', 'sending', 0, NULL, NULL, NULL, NULL, true);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (2, 1, 1, 1, 1, '2026-01-05 14:35:44.515785+00', '2026-01-05 14:35:44.536945+00', 'message', 'ok', NULL, 0, true, 4);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (3, 1, 2, 2, 1, '2026-01-05 14:35:44.515785+00', '2026-01-05 14:35:44.536945+00', 'message', 'ok', NULL, 0, true, 4);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (5, 1, 1, 1, 2, '2026-01-05 14:35:44.568865+00', '2026-01-05 14:35:44.581162+00', 'profile', 'ok', NULL, 0, true, 7);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (6, 1, 2, 2, 2, '2026-01-05 14:35:44.568865+00', '2026-01-05 14:35:44.581162+00', 'profile', 'ok', NULL, 0, true, 7);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (9, 2, 6, 5, 3, '2026-01-05 14:35:44.715416+00', '2026-01-05 14:35:44.73741+00', 'message', 'ok', NULL, 0, true, 13);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (10, 2, 7, 6, 3, '2026-01-05 14:35:44.715416+00', '2026-01-05 14:35:44.73741+00', 'message', 'refused', NULL, 0, true, 13);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (11, 2, 8, 7, 3, '2026-01-05 14:35:44.715416+00', '2026-01-05 14:35:44.73741+00', 'message', NULL, NULL, 0, true, 13);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (12, 2, 9, 8, 3, '2026-01-05 14:35:44.715416+00', '2026-01-05 14:35:44.73741+00', 'message', 'ok', NULL, 0, true, 13);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (14, 2, 9, 8, 4, '2026-01-05 14:35:44.758229+00', '2026-01-05 14:35:44.772018+00', 'profile', 'ok', NULL, 0, true, 15);
INSERT INTO promo.attempt OVERRIDING SYSTEM VALUE VALUES (16, 2, 5, 4, 5, '2026-01-05 14:35:44.800947+00', NULL, 'message', NULL, NULL, 0, true, NULL);
INSERT INTO promo.code_demand VALUES (2, 9);
INSERT INTO promo.code_demand VALUES (2, -6);
INSERT INTO promo.code_file OVERRIDING SYSTEM VALUE VALUES (1, 'codes.csv', '\x07a9d7b4a9a23915a61bc89bb0357bf47b348cf4174eb965bb1df8fbfa18b0b5', 0, 0, 0, 0, 0, '2026-01-05 14:35:44.372514+00', NULL);
INSERT INTO promo.code_stock VALUES ('Welcome', 10, '2126-11-04 14:00:00+00', 14, 0, 0, 13);
INSERT INTO promo.code_stock VALUES ('Welcome', 10, '2126-11-04 14:00:00+00', -2, 2, 0, 13);
INSERT INTO promo.code_stock VALUES ('Welcome', 10, '2126-11-04 14:00:00+00', -6, 6, 0, 13);
INSERT INTO promo.code_stock VALUES ('Welcome', 10, '2126-11-04 14:00:00+00', 1, -1, 0, 13);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (1, NULL, 'Name 1', NULL, NULL, '2026-01-05 14:35:44.348017+00', '2026-01-05 14:35:44.348017+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (2, NULL, 'Name 2', NULL, NULL, '2026-01-05 14:35:44.348017+00', '2026-01-05 14:35:44.348017+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (3, NULL, 'Name 1', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (4, NULL, 'Name 2', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (5, NULL, 'Name 3', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (6, NULL, 'Name 4', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (7, NULL, 'Name 5', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (8, NULL, 'Name 6', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (9, NULL, 'Name 7', NULL, NULL, '2026-01-05 14:35:44.604214+00', '2026-01-05 14:35:44.604214+00', NULL, NULL);
INSERT INTO promo.contact OVERRIDING SYSTEM VALUE VALUES (10, NULL, 'Name 1', NULL, NULL, '2026-01-05 14:35:44.609785+00', '2026-01-05 14:35:44.609785+00', NULL, NULL);
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (1, 1, 'mobilepush', 'token-1', NULL, NULL, '2026-01-05 14:35:44.357588+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (2, 2, 'mobilepush', 'token-2', NULL, NULL, '2026-01-05 14:35:44.357588+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (3, 3, 'mobilepush', 'token-3', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (4, 4, 'mobilepush', 'token-4', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (5, 5, 'mobilepush', 'token-5', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (6, 6, 'mobilepush', 'token-6', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (7, 7, 'mobilepush', 'token-7', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (8, 8, 'mobilepush', 'token-8', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.contact_channel OVERRIDING SYSTEM VALUE VALUES (9, 9, 'mobilepush', 'token-9', NULL, NULL, '2026-01-05 14:35:44.608499+00');
INSERT INTO promo.erasure_key VALUES (true, '\x95ed415de26246e5acd8109919709fb7056cefb879664487b365b39cb92964b69f30f2ea3d4b41669d15047110a036ccdb503df102b246b196b4fd545e076730', '\xdca5a21fed4249c7a496c2ff39dbc2441ffbb2a919504f4cbb9ada5f7feb1b42c92c04edb39d46b4975e4efabcf70b4df4773f75b71a45d58c6cbf3390729d16');
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (9, '2126-11-04 14:35:44.38094+00', NULL, 1, 9, 10, false, 'CODE-000009', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (10, '2126-11-04 14:35:44.38094+00', NULL, 1, 10, 10, false, 'CODE-000010', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (11, '2126-11-04 14:35:44.38094+00', NULL, 1, 11, 10, false, 'CODE-000011', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (12, '2126-11-04 14:35:44.38094+00', NULL, 1, 12, 10, false, 'CODE-000012', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (13, '2126-11-04 14:35:44.38094+00', NULL, 1, 13, 10, false, 'CODE-000013', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (14, '2126-11-04 14:35:44.38094+00', NULL, 1, 14, 10, false, 'CODE-000014', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (1, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.460898+00', 1, 1, 10, false, 'CODE-000001', 'Welcome', NULL, 1, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (2, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.460898+00', 1, 2, 10, false, 'CODE-000002', 'Welcome', NULL, 2, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (3, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.673198+00', 1, 3, 10, false, 'CODE-000003', 'Welcome', NULL, 4, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (4, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.673198+00', 1, 4, 10, false, 'CODE-000004', 'Welcome', NULL, 5, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (5, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.673198+00', 1, 5, 10, false, 'CODE-000005', 'Welcome', NULL, 6, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (7, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.673198+00', 1, 7, 10, false, 'CODE-000007', 'Welcome', NULL, 8, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (8, '2126-11-04 14:35:44.38094+00', '2026-01-05 14:35:44.673198+00', 1, 8, 10, false, 'CODE-000008', 'Welcome', NULL, 9, 0);
INSERT INTO promo.promo_code OVERRIDING SYSTEM VALUE VALUES (6, '2126-11-04 14:35:44.38094+00', NULL, 1, 6, 10, false, 'CODE-000006', 'Welcome', NULL, NULL, 0);
INSERT INTO promo.run OVERRIDING SYSTEM VALUE VALUES (1, 'welcome/edition/closed', 'welcome', '{"codes": {"days": 7, "type": "Welcome", "discount": 10}, "message": {"body": "Code: $!data.get(''promocode'')", "html": "", "name": "promo_push", "title": "Hi $!first_name", "channel": "mobilepush", "options": {}, "webhook": ""}, "webhook": null, "audience": {"sql": "select contact_id from promo.contact", "name": "all_contacts", "contact_ids": []}, "workflow": "welcome", "transport": "inbox", "data_sources": [{"body": "{\"contact\": \"$data.get(''contact_unique_identifier'')\", \"code\": \"$data.get(''promocode'')\"}", "name": "promo_to_profile", "path": "/api/v1/contact", "poll": {"done": "$answer.get(''status'') == ''FINISHED''", "path": "", "failed": "$answer.get(''status'') == ''FAILED''", "wait_s": 60.0}, "before": false, "format": "json", "method": "POST", "failure": "refused", "headers": {"Content-Type": "application/json"}, "success": "", "timeout_s": 0.0, "connection": "promo_profile_api", "key_window_s": 0, "records_per_request": 0}], "transport_conn_id": ""}', '\x6ee941b2c8009431d9b125a203c5c44a1a7800470b41a159df147dc13e48ce2d', 'promo_push', 'mobilepush', 'Welcome', 10, 7, true, NULL, 'missing', '2026-01-05 14:35:44.405661+00', '2026-01-05 14:35:44.588817+00', '{}', '{0}', NULL, NULL, NULL, NULL, 0.00, 'fail', '{"ahead": 0, "stock": 14, "demand": 2, "expiring": 0, "shortfall": 0}', false, NULL, NULL, NULL);
INSERT INTO promo.run OVERRIDING SYSTEM VALUE VALUES (2, 'welcome/edition/open', 'welcome', '{"codes": {"days": 7, "type": "Welcome", "discount": 10}, "message": {"body": "Code: $!data.get(''promocode'')", "html": "", "name": "promo_push", "title": "Hi $!first_name", "channel": "mobilepush", "options": {}, "webhook": ""}, "webhook": null, "audience": {"sql": "select contact_id from promo.contact", "name": "all_contacts", "contact_ids": []}, "workflow": "welcome", "transport": "inbox", "data_sources": [{"body": "{\"contact\": \"$data.get(''contact_unique_identifier'')\", \"code\": \"$data.get(''promocode'')\"}", "name": "promo_to_profile", "path": "/api/v1/contact", "poll": {"done": "$answer.get(''status'') == ''FINISHED''", "path": "", "failed": "$answer.get(''status'') == ''FAILED''", "wait_s": 60.0}, "before": false, "format": "json", "method": "POST", "failure": "refused", "headers": {"Content-Type": "application/json"}, "success": "", "timeout_s": 0.0, "connection": "promo_profile_api", "key_window_s": 0, "records_per_request": 0}], "transport_conn_id": ""}', '\x6ee941b2c8009431d9b125a203c5c44a1a7800470b41a159df147dc13e48ce2d', 'promo_push', 'mobilepush', 'Welcome', 10, 7, true, NULL, 'missing', '2026-01-05 14:35:44.614991+00', NULL, '{}', '{0}', NULL, NULL, NULL, NULL, 0.00, 'fail', '{"ahead": 0, "stock": 12, "demand": 9, "expiring": 0, "shortfall": 0}', false, NULL, NULL, NULL);
INSERT INTO promo.unknown_send VALUES (2, 8);
SELECT pg_catalog.setval('promo.attempt_attempt_id_seq', 16, true);
SELECT pg_catalog.setval('promo.audit_audit_id_seq', 1, false);
SELECT pg_catalog.setval('promo.code_file_code_file_id_seq', 1, true);
SELECT pg_catalog.setval('promo.contact_channel_contact_channel_id_seq', 9, true);
SELECT pg_catalog.setval('promo.contact_contact_id_seq', 10, true);
SELECT pg_catalog.setval('promo.contact_field_contact_field_id_seq', 1, false);
SELECT pg_catalog.setval('promo.contact_import_contact_import_id_seq', 1, false);
SELECT pg_catalog.setval('promo.event_event_id_seq', 1, false);
SELECT pg_catalog.setval('promo.lease_token', 5, true);
SELECT pg_catalog.setval('promo.promo_code_promo_code_id_seq', 14, true);
SELECT pg_catalog.setval('promo.run_run_id_seq', 2, true);
ALTER TABLE ONLY promo.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY promo.answer
    ADD CONSTRAINT answer_pkey PRIMARY KEY (run_id, contact_id, source);
ALTER TABLE ONLY promo.assignment
    ADD CONSTRAINT assignment_pkey PRIMARY KEY (run_id, contact_id);
ALTER TABLE ONLY promo.attempt
    ADD CONSTRAINT attempt_once UNIQUE (run_id, contact_id, purpose, lease_token);
ALTER TABLE ONLY promo.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (attempt_id);
ALTER TABLE ONLY promo.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (audit_id);
ALTER TABLE ONLY promo.code_file
    ADD CONSTRAINT code_file_pkey PRIMARY KEY (code_file_id);
ALTER TABLE ONLY promo.contact_channel
    ADD CONSTRAINT contact_channel_pkey PRIMARY KEY (contact_channel_id);
ALTER TABLE ONLY promo.contact
    ADD CONSTRAINT contact_external_id_key UNIQUE (external_id);
ALTER TABLE ONLY promo.contact_field
    ADD CONSTRAINT contact_field_pkey PRIMARY KEY (contact_field_id);
ALTER TABLE ONLY promo.contact_field_value
    ADD CONSTRAINT contact_field_value_pkey PRIMARY KEY (contact_id, contact_field_id);
ALTER TABLE ONLY promo.contact_import
    ADD CONSTRAINT contact_import_pkey PRIMARY KEY (contact_import_id);
ALTER TABLE ONLY promo.contact_import
    ADD CONSTRAINT contact_import_session_id_key UNIQUE (session_id);
ALTER TABLE ONLY promo.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (contact_id);
ALTER TABLE ONLY promo.erased_identity
    ADD CONSTRAINT erased_identity_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY promo.erasure_key
    ADD CONSTRAINT erasure_key_pkey PRIMARY KEY (one);
ALTER TABLE ONLY promo.event_listener
    ADD CONSTRAINT event_listener_pkey PRIMARY KEY (workflow);
ALTER TABLE ONLY promo.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY promo.event
    ADD CONSTRAINT event_token_key UNIQUE (token);
ALTER TABLE ONLY promo.event_turn
    ADD CONSTRAINT event_turn_pkey PRIMARY KEY (event_id, workflow);
ALTER TABLE ONLY promo.inbox_message
    ADD CONSTRAINT inbox_message_pkey PRIMARY KEY (idempotency_key);
ALTER TABLE ONLY promo.promo_code
    ADD CONSTRAINT promo_code_held_by UNIQUE (held_by, promo_code_id);
ALTER TABLE ONLY promo.promo_code
    ADD CONSTRAINT promo_code_pkey PRIMARY KEY (promo_code_id);
ALTER TABLE ONLY promo.rate_budget
    ADD CONSTRAINT rate_budget_pkey PRIMARY KEY (receiver);
ALTER TABLE ONLY promo.receiver
    ADD CONSTRAINT receiver_pkey PRIMARY KEY (name);
ALTER TABLE ONLY promo.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY promo.run
    ADD CONSTRAINT run_run_key_key UNIQUE (run_key);
ALTER TABLE ONLY promo.stock_level
    ADD CONSTRAINT stock_level_pkey PRIMARY KEY (type, level, amount);
ALTER TABLE ONLY promo.unknown_send
    ADD CONSTRAINT unknown_send_pkey PRIMARY KEY (run_id, contact_id);
CREATE INDEX assignment_contact ON promo.assignment USING btree (contact_id, ((- run_id)));
CREATE INDEX code_demand_run ON promo.code_demand USING btree (run_id);
CREATE INDEX code_file_reject_file ON promo.code_file_reject USING btree (code_file_id, line);
CREATE UNIQUE INDEX code_file_sha256 ON promo.code_file USING btree (sha256) WHERE (withdrawn_at IS NULL);
CREATE INDEX code_stock_pool ON promo.code_stock USING btree (type, discount, hour);
CREATE INDEX contact_channel_contact ON promo.contact_channel USING btree (contact_id, type);
CREATE UNIQUE INDEX contact_channel_key ON promo.contact_channel USING btree (type, promo.channel_key(type, value) COLLATE "C");
CREATE UNIQUE INDEX contact_channel_single ON promo.contact_channel USING btree (contact_id, type) WHERE promo.is_single_channel(type);
CREATE INDEX contact_erased ON promo.contact USING btree (contact_id) WHERE (erased_at IS NOT NULL);
CREATE UNIQUE INDEX contact_field_name ON promo.contact_field USING btree (lower(name) COLLATE "C");
CREATE INDEX contact_import_queue ON promo.contact_import USING btree (contact_import_id) WHERE (state = 'queued'::text);
CREATE INDEX erased_identity_contact ON promo.erased_identity USING btree (contact_id);
CREATE INDEX event_contact ON promo.event USING btree (contact_id) WHERE (params IS NOT NULL);
CREATE INDEX event_listener_type ON promo.event_listener USING btree (type);
CREATE INDEX event_received ON promo.event USING btree (received_at) WHERE (params IS NOT NULL);
CREATE INDEX event_to_delete ON promo.event USING btree (received_at) WHERE ((params IS NULL) AND (NOT kept));
CREATE INDEX event_turn_entered ON promo.event_turn USING btree (contact_id, workflow, received_at) WHERE (run_id IS NOT NULL);
CREATE UNIQUE INDEX event_turn_run ON promo.event_turn USING btree (run_id, contact_id) WHERE (run_id IS NOT NULL);
CREATE INDEX event_turn_waiting ON promo.event_turn USING btree (workflow, event_id) WHERE (taken_at IS NULL);
CREATE INDEX event_type ON promo.event USING btree (type, received_at);
CREATE INDEX inbox_message_contact ON promo.inbox_message USING btree (contact_id);
CREATE INDEX inbox_message_recent ON promo.inbox_message USING btree (received_at);
CREATE UNIQUE INDEX promo_code_key ON promo.promo_code USING btree (promo.code_key(code) COLLATE "C");
CREATE INDEX promo_code_of_file ON promo.promo_code USING brin (code_file_id int8_minmax_multi_ops) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX promo_code_stock ON promo.promo_code USING btree (type, discount, expires_at, promo_code_id) WHERE ((NOT retired) AND (issued_at IS NULL));
CREATE INDEX run_closed ON promo.run USING btree (channel, closed_at, run_id) WHERE (closed_at IS NOT NULL);
CREATE INDEX run_open_channel ON promo.run USING btree (channel, run_id) WHERE (closed_at IS NULL);
CREATE INDEX run_open_pool ON promo.run USING btree (code_type, discount) WHERE (closed_at IS NULL);
CREATE INDEX run_workflow ON promo.run USING btree (workflow, opened_at);
CREATE TRIGGER assignment_added_unknown AFTER INSERT ON promo.assignment FOR EACH ROW WHEN ((new.state = 'unknown'::promo.assignment_state)) EXECUTE FUNCTION promo.keep_unknown();
CREATE TRIGGER assignment_keeps_unknown AFTER UPDATE OF state ON promo.assignment FOR EACH ROW WHEN (((old.state = 'unknown'::promo.assignment_state) <> (new.state = 'unknown'::promo.assignment_state))) EXECUTE FUNCTION promo.keep_unknown();
CREATE TRIGGER assignment_kept BEFORE DELETE OR TRUNCATE ON promo.assignment FOR EACH STATEMENT EXECUTE FUNCTION promo.keep_evidence();
CREATE TRIGGER assignment_reopens_run AFTER UPDATE OF state ON promo.assignment FOR EACH ROW WHEN (((old.state = 'unknown'::promo.assignment_state) AND (new.state = ANY (ARRAY['assigned'::promo.assignment_state, 'sending'::promo.assignment_state, 'accepted'::promo.assignment_state])))) EXECUTE FUNCTION promo.reopen_run();
CREATE TRIGGER assignment_transition BEFORE UPDATE OF state ON promo.assignment FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) AND ((((((((((((((((((((old.state <> 'assigned'::promo.assignment_state) OR (new.state <> 'sending'::promo.assignment_state)) AND ((old.state <> 'sending'::promo.assignment_state) OR (new.state <> 'accepted'::promo.assignment_state))) AND ((old.state <> 'accepted'::promo.assignment_state) OR (new.state <> 'recorded'::promo.assignment_state))) AND ((old.state <> 'pending'::promo.assignment_state) OR (new.state <> 'assigned'::promo.assignment_state))) AND ((old.state <> 'pending'::promo.assignment_state) OR (new.state <> 'skipped'::promo.assignment_state))) AND ((old.state <> 'sending'::promo.assignment_state) OR (new.state <> 'assigned'::promo.assignment_state))) AND ((old.state <> 'sending'::promo.assignment_state) OR (new.state <> 'rejected'::promo.assignment_state))) AND ((old.state <> 'sending'::promo.assignment_state) OR (new.state <> 'unknown'::promo.assignment_state))) AND ((old.state <> 'unknown'::promo.assignment_state) OR (new.state <> 'sending'::promo.assignment_state))) AND ((old.state <> 'unknown'::promo.assignment_state) OR (new.state <> 'accepted'::promo.assignment_state))) AND ((old.state <> 'unknown'::promo.assignment_state) OR (new.state <> 'rejected'::promo.assignment_state))) AND ((old.state <> 'unknown'::promo.assignment_state) OR (new.state <> 'assigned'::promo.assignment_state))) AND ((old.state <> 'pending'::promo.assignment_state) OR (new.state <> 'expired'::promo.assignment_state))) AND ((old.state <> 'assigned'::promo.assignment_state) OR (new.state <> 'expired'::promo.assignment_state))) AND ((old.state <> 'assigned'::promo.assignment_state) OR (new.state <> 'pending'::promo.assignment_state))) AND ((old.state <> 'assigned'::promo.assignment_state) OR (new.state <> 'unknown'::promo.assignment_state))) AND ((old.state <> 'skipped'::promo.assignment_state) OR (new.state <> 'pending'::promo.assignment_state))) AND ((old.state <> 'rejected'::promo.assignment_state) OR (new.state <> 'pending'::promo.assignment_state))) AND ((old.state <> 'expired'::promo.assignment_state) OR (new.state <> 'pending'::promo.assignment_state))))) EXECUTE FUNCTION promo.check_assignment_transition();
CREATE TRIGGER attempt_kept BEFORE DELETE OR TRUNCATE ON promo.attempt FOR EACH STATEMENT EXECUTE FUNCTION promo.keep_evidence();
CREATE TRIGGER attempt_settled_once BEFORE UPDATE ON promo.attempt FOR EACH ROW WHEN (((old.outcome IS NOT NULL) OR (((((((((old.attempt_id IS DISTINCT FROM new.attempt_id) OR (old.run_id IS DISTINCT FROM new.run_id)) OR (old.contact_id IS DISTINCT FROM new.contact_id)) OR (old.promo_code_id IS DISTINCT FROM new.promo_code_id)) OR (old.lease_token IS DISTINCT FROM new.lease_token)) OR (old.started_at IS DISTINCT FROM new.started_at)) OR (old.purpose IS DISTINCT FROM new.purpose)) OR (old.source IS DISTINCT FROM new.source)) OR (old.shows_code IS DISTINCT FROM new.shows_code)))) EXECUTE FUNCTION promo.keep_evidence();
CREATE TRIGGER audit_kept BEFORE DELETE OR TRUNCATE ON promo.audit FOR EACH STATEMENT EXECUTE FUNCTION promo.keep_evidence();
CREATE TRIGGER audit_settled_once BEFORE UPDATE ON promo.audit FOR EACH ROW WHEN (((old.finished_at IS NOT NULL) OR ((((((old.audit_id IS DISTINCT FROM new.audit_id) OR (old.begun_at IS DISTINCT FROM new.begun_at)) OR (old.revealed IS DISTINCT FROM new.revealed)) OR (old.action IS DISTINCT FROM new.action)) OR (old.subject IS DISTINCT FROM new.subject)) OR (old.actor IS DISTINCT FROM new.actor)))) EXECUTE FUNCTION promo.keep_evidence();
CREATE TRIGGER contact_channel_of_nobody_erased AFTER INSERT ON promo.contact_channel REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION promo.refuse_erased();
CREATE TRIGGER contact_field_value_of_nobody_erased AFTER INSERT ON promo.contact_field_value REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION promo.refuse_erased();
CREATE TRIGGER promo_code_added AFTER INSERT ON promo.promo_code REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION promo.count_codes();
CREATE TRIGGER promo_code_changed AFTER UPDATE ON promo.promo_code REFERENCING OLD TABLE AS gone NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION promo.count_codes();
CREATE TRIGGER promo_code_kept BEFORE DELETE OR TRUNCATE ON promo.promo_code FOR EACH STATEMENT EXECUTE FUNCTION promo.keep_evidence();
ALTER TABLE ONLY promo.answer
    ADD CONSTRAINT answer_promo_code_id_fkey FOREIGN KEY (promo_code_id) REFERENCES promo.promo_code(promo_code_id);
ALTER TABLE ONLY promo.answer
    ADD CONSTRAINT answer_run_id_contact_id_fkey FOREIGN KEY (run_id, contact_id) REFERENCES promo.assignment(run_id, contact_id);
ALTER TABLE ONLY promo.assignment
    ADD CONSTRAINT assignment_code_is_the_contacts FOREIGN KEY (contact_id, promo_code_id) REFERENCES promo.promo_code(held_by, promo_code_id);
ALTER TABLE ONLY promo.assignment
    ADD CONSTRAINT assignment_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES promo.contact(contact_id);
ALTER TABLE ONLY promo.assignment
    ADD CONSTRAINT assignment_run_id_fkey FOREIGN KEY (run_id) REFERENCES promo.run(run_id);
ALTER TABLE ONLY promo.code_file_reject
    ADD CONSTRAINT code_file_reject_code_file_id_fkey FOREIGN KEY (code_file_id) REFERENCES promo.code_file(code_file_id) ON DELETE CASCADE;
ALTER TABLE ONLY promo.contact_channel
    ADD CONSTRAINT contact_channel_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES promo.contact(contact_id) ON DELETE CASCADE;
ALTER TABLE ONLY promo.contact_field_value
    ADD CONSTRAINT contact_field_value_contact_field_id_fkey FOREIGN KEY (contact_field_id) REFERENCES promo.contact_field(contact_field_id);
ALTER TABLE ONLY promo.contact_field_value
    ADD CONSTRAINT contact_field_value_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES promo.contact(contact_id) ON DELETE CASCADE;
ALTER TABLE ONLY promo.erased_identity
    ADD CONSTRAINT erased_identity_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES promo.contact(contact_id);
ALTER TABLE ONLY promo.event_turn
    ADD CONSTRAINT event_turn_event_id_fkey FOREIGN KEY (event_id) REFERENCES promo.event(event_id) ON DELETE CASCADE;
ALTER TABLE ONLY promo.event_turn
    ADD CONSTRAINT event_turn_run_id_fkey FOREIGN KEY (run_id) REFERENCES promo.run(run_id);
ALTER TABLE ONLY promo.promo_code
    ADD CONSTRAINT promo_code_code_file_id_fkey FOREIGN KEY (code_file_id) REFERENCES promo.code_file(code_file_id);
