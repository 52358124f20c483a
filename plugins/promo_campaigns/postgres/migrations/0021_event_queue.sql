-- The queue of events has the name of what it is. No row is read.

-- part: locked on promo.event_turn --
alter table promo.event_turn rename constraint event_turn_pkey to event_queue_pkey;
alter table promo.event_turn rename constraint event_turn_taken to event_queue_taken;
alter table promo.event_turn rename constraint event_turn_event_id_fkey to event_queue_event_id_fkey;
alter table promo.event_turn rename constraint event_turn_run_id_fkey to event_queue_run_id_fkey;
alter index promo.event_turn_waiting rename to event_queue_waiting;
alter index promo.event_turn_run rename to event_queue_run;
alter index promo.event_turn_entered rename to event_queue_entered;
alter table promo.event_turn rename to event_queue;
comment on table promo.event_listener is 'Which workflow answers events of which type: every event from then on is queued for it.';
