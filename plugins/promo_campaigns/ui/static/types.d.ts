// What the routes answer, as the pages use it. ui/ writes it; the OpenAPI page at /promo/openapi.json has the whole.

/** A page of a list: `next` asks for the one after it. */
export type Slice<Row> = { items: Row[]; next: string | null };

export type Rights = { act: boolean; reveal: boolean; export: boolean };
export type Stopped = { by: string; at: string; reason: string };
export type Me = { user: string; rights: Rights; version: string; workflows: string[]; sending_stopped: Stopped | null };

export type RunState = "open" | "awaiting" | "paused" | "restored" | "cancelled" | "closed";
export type ContactState =
  | "pending" | "skipped" | "assigned" | "sending" | "accepted" | "rejected" | "unknown" | "recorded" | "expired";

export type RunLine = {
  run_id: number; run_key: string; workflow: string; state: RunState;
  opened_at: string; closed_at: string | null; moved_at: string;
  halted_by: string; halt_reason: string;
  audience: number; given: number; sent: number; recorded: number;
  skipped: number; unknown: number; failed: number; waiting: number;
};

export type Receiver = {
  name: string; channel?: string | null; status: string; remedy: string; refuses: boolean; open_until: string | null;
};

export type RunDetail = {
  line: RunLine;
  states: Record<ContactState, number>;
  reasons: Record<string, number>;
  funnel: { name: string; count: number }[];
  rate_per_s: number | null;
  seconds_left: number | null;
  waits: { what: string; until: string | null }[];
  receivers: Receiver[];
  is_inbox: boolean;
  report: [string, string | number][];
  mode: string;
  send_by: string | null;
  pool_left: number | null;
  dag: { dag_id: string; run_id: string | null };
  can: Rights;
};

export type Person = {
  contact_id: string; state: ContactState; reason: string | null; code_masked: string | null;
  sent_at: string | null; attempts: number; last_status?: string | number | null;
};

export type Attempt = {
  at: string; finished_at?: string | null; purpose?: string; outcome: string | null; status?: string | number | null; detail: string | null;
};
export type UnknownSend = { contact_id: string; code_masked: string; since: string; attempts: Attempt[] };

export type Level = { level: number; amount: number; reached: boolean };
export type Stock = {
  type: string; discount: number; free: number; expired: number; expiring: Record<string, number>;
  reserved: number; issued: number; retired: number; level: Level | null; per_day: number | null; days_left: number | null;
  values: { attributes: string; free: number }[];
};
export type BurnDay = { day: string; given: number };

export type CodeFile = {
  code_file_id: number; name: string; rows: number; inserted: number; updated: number; unchanged: number;
  rejected: number; loaded_at: string; withdrawn_at: string | null;
};
export type Reject = { line: number; column: string | null; reason: string };
export type LoadReport = {
  rows: number; inserted: number; updated: number; unchanged: number; rejected_count: number; already_loaded?: boolean;
  rejected_by_reason: { column: string; reason: string; count: number }[];
};
export type UploadState = {
  name: string; state: "waiting" | "loaded" | "rejected"; code_file_id: number | null;
  report: LoadReport | null; error: string | null;
};

export type Contact = {
  contact_id: number | string; external_id: string | null; channel?: string | null; shown?: string | null; erased?: boolean;
};
/** A code as a whole: where it came from, and whether it can still be given out. */
export type FoundCode = {
  code_masked: string; state: "given" | "retired" | "free"; type: string; discount: number; expires_at: string | null;
  file: string | null; line: number | null;
};
export type Given = {
  contact_id?: string; run_id: number; run_key: string; workflow: string; state: ContactState; reason: string | null;
  code_masked: string | null; type: string | null; discount: number | null; expires_at: string | null;
  given_at: string | null; sent_at: string | null; recorded_at: string | null;
};
export type GivenDetail = Given & { attempts: Attempt[]; why: string };
export type Strip = {
  alarms: { type: string; level?: number | string; amount?: number; since?: string; text: string }[];
  under_way: RunLine[];
  under_way_count: number;
  sending_stopped: Stopped | null;
};
