-- A channel that is closed says why and who told, and can be opened again. No row is read: one that was closed before
-- has no reason, and counts as unsubscribed.

-- part: locked --
create function promo.open_other_locator() returns trigger
  language plpgsql as $$
begin
  if new.closed_for in ('bounced', 'unregistered') and promo.channel_key(new.type, new.value) <> promo.channel_key(old.type, old.value) then
    new.unsubscribed_at := null;
    new.closed_for := null;
    new.closed_by := null;
    new.reopened_at := promo.clock();
  end if;
  return new;
end $$;
comment on function promo.open_other_locator is
  'Another address of a contact is open if the one before it was closed because it failed; who unsubscribed stays so.';

-- part: locked on promo.contact_channel --
alter table promo.contact_channel
  add column closed_for text,
  add column closed_by text,
  add column reopened_at timestamptz;
alter table promo.contact_channel add constraint contact_channel_closed_for check (closed_for is null or
  (unsubscribed_at is not null and closed_for in ('unsubscribed', 'complained', 'bounced', 'unregistered'))) not valid;
alter table promo.contact_channel add constraint contact_channel_closed_by check (closed_by is null or closed_for is not null) not valid;
comment on column promo.contact_channel.unsubscribed_at is
  'Since when nothing is sent to it, whatever the reason: it is closed. Null while it is open.';
comment on column promo.contact_channel.closed_for is 'Why it is closed; null of a closed one: unsubscribed, told before there were reasons.';
comment on column promo.contact_channel.closed_by is 'Who or what told so, such as a mail server''s answer; never an address.';
comment on column promo.contact_channel.reopened_at is 'When it was last opened again; what is told of a time before that closes nothing.';
create trigger contact_channel_other_locator before update of value on promo.contact_channel
  for each row when (old.unsubscribed_at is not null and old.value is distinct from new.value)
  execute function promo.open_other_locator();

-- part: online --
alter table promo.contact_channel validate constraint contact_channel_closed_for;

-- part: online --
alter table promo.contact_channel validate constraint contact_channel_closed_by;

-- part: online --
create index concurrently contact_channel_closed_at on promo.contact_channel (unsubscribed_at, contact_channel_id)
  where unsubscribed_at is not null;

-- part: locked on promo.audit --
alter table promo.audit drop constraint audit_action_check;
alter table promo.audit add constraint audit_action_check check (action in (
  'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending', 'run again', 'trigger', 'test send',
  'accept unknown', 'refuse unknown', 'resend unknown', 'reveal', 'find code', 'upload', 'withdraw', 'check',
  'mode missing', 'mode profiles', 'mode refuse', 'approve', 'reject', 'close channel', 'reopen channel')) not valid;

-- part: online --
alter table promo.audit validate constraint audit_action_check;

-- part: locked --
create table promo.heard_notice (
  signature   bytea       primary key check (octet_length(signature) = 32),
  received_at timestamptz not null default promo.clock()
);
comment on table promo.heard_notice is
  'Signed notices of closed channels that were heard: one that is sent again changes nothing. A row goes when its notice is too old to be taken.';
create index heard_notice_received on promo.heard_notice (received_at);
