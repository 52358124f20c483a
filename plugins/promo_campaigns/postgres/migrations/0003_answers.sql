-- Data sources whose answer a message reads: called before it, their answers kept; and several sources to one message.

-- part: locked on promo.run --
alter table promo.run
  add column before smallint[] not null default '{}',
  add column after smallint[] not null default '{}',
  add constraint run_records check (records = (after <> '{}')) not valid;
comment on column promo.run.before is 'The data sources called before the message, by their place in the definition.';
comment on column promo.run.after is 'The data sources called once the message was accepted, by their place in the definition.';

-- part: batches of promo.run by run_id --
update promo.run set after = '{0}' where records and run_id > %(low)s and run_id <= %(high)s;

-- part: online --
alter table promo.run validate constraint run_records;

-- part: locked on promo.attempt --
alter table promo.attempt
  add column source smallint not null default 0,
  add column shows_code boolean not null default true,
  drop constraint attempt_purpose_check,
  add constraint attempt_purpose_check check (purpose in ('message', 'profile', 'answer')) not valid;
comment on column promo.attempt.source is 'Which of the run''s data sources was called, by its place in the definition; 0 for a message.';
comment on column promo.attempt.shows_code is 'Whether the code left with the call; of the calls before a message only those of a source that reads it.';

drop trigger attempt_settled_once on promo.attempt;
create trigger attempt_settled_once before update on promo.attempt
  for each row when (
    old.outcome is not null
    or (old.attempt_id, old.run_id, old.contact_id, old.promo_code_id, old.lease_token, old.started_at, old.purpose,
        old.source, old.shows_code)
       is distinct from
       (new.attempt_id, new.run_id, new.contact_id, new.promo_code_id, new.lease_token, new.started_at, new.purpose,
        new.source, new.shows_code))
  execute function promo.keep_evidence();

-- part: online --
alter table promo.attempt validate constraint attempt_purpose_check;

-- part: locked on promo.promo_code --
alter table promo.promo_code
  add column seen_at timestamptz,
  add constraint promo_code_seen check (seen_at is null or retired) not valid;
comment on column promo.promo_code.seen_at is 'When it was taken from somebody for whom a data source had seen it already: it never becomes free again.';

-- part: online --
alter table promo.promo_code validate constraint promo_code_seen;

-- part: locked on promo.promo_code, promo.assignment --
-- Whether a data source may have seen this code for this contact, before any message.
create function promo.was_seen(run_id bigint, contact_id bigint, promo_code_id bigint) returns boolean
  language sql stable
  return exists (
    select from promo.attempt t
    where t.run_id = was_seen.run_id and t.contact_id = was_seen.contact_id and t.promo_code_id = was_seen.promo_code_id
      and t.purpose = 'answer' and t.shows_code and t.outcome is distinct from 'refused');

create table promo.answer (
  run_id        bigint      not null,
  contact_id    bigint      not null,
  promo_code_id bigint      references promo.promo_code,
  received_at   timestamptz not null default promo.clock(),
  source        smallint    not null,
  generation    smallint    not null,
  value         jsonb       not null constraint answer_size check (octet_length(value::text) <= 262144),
  primary key (run_id, contact_id, source),
  foreign key (run_id, contact_id) references promo.assignment
);
comment on table promo.answer is 'What a data source answered before the message, which reads it. Asked once; kept so that a retry sends the same.';
comment on column promo.answer.promo_code_id is 'The code it was asked with, null if the source was not told; an answer to another code is asked for anew.';
comment on column promo.answer.generation is 'The assignment''s generation when it was asked; a contact that is sent to anew is asked for anew.';

-- Whether the answer of a data source that is called before the message is at hand.
create function promo.is_answered(run_id bigint, contact_id bigint, promo_code_id bigint, generation smallint, source smallint)
  returns boolean
  language sql stable
  return exists (
    select from promo.answer w
    where w.run_id = is_answered.run_id and w.contact_id = is_answered.contact_id and w.source = is_answered.source
      and w.generation = is_answered.generation
      and (w.promo_code_id is null or w.promo_code_id = is_answered.promo_code_id));
