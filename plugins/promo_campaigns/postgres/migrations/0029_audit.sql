-- Modes and approvals are audited like the rest, and an entry says whether what it is about broke off.

-- part: locked on promo.audit --
alter table promo.audit add column broken_off boolean not null default false;
comment on table promo.audit is 'Who exported codes, erased a contact or changed by hand what a campaign does: written before it begins, its end recorded once. Append-only.';
comment on column promo.audit.broken_off is 'It ended before it was whole: the export whose reader left, say.';
alter table promo.audit drop constraint audit_action_check;
alter table promo.audit add constraint audit_action_check check (action in (
  'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending', 'run again', 'trigger', 'test send',
  'accept unknown', 'refuse unknown', 'resend unknown', 'reveal', 'find code', 'upload', 'withdraw', 'check',
  'mode missing', 'mode profiles', 'mode refuse', 'approve', 'reject')) not valid;

-- part: online --
alter table promo.audit validate constraint audit_action_check;
