-- What persons do from the pages is audited like the rest, and how fast a pool is used up is looked up by its runs.

-- part: locked on promo.audit --
alter table promo.audit drop constraint audit_action_check;
alter table promo.audit add constraint audit_action_check check (action in (
  'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending', 'run again', 'trigger', 'test send',
  'accept unknown', 'refuse unknown', 'resend unknown', 'reveal', 'find code', 'upload', 'withdraw', 'check')) not valid;

-- part: online --
alter table promo.audit validate constraint audit_action_check;

-- part: online --
create index concurrently run_of_pool on promo.run (code_type, discount, opened_at);
