// What the routes of Workflows, Contacts, Inbox, Receivers, Checks and Audit answer, as the pages use it.
import type { RunLine, Slice } from "./types.js";

export type Block = { name: string; kind: string; detail?: string | null };
export type Fault = { file: string; line: number | null; text: string };
export type FormField = {
  name: string; title: string; description?: string; type: string | string[]; default: unknown;
  choices?: (string | null)[] | null; examples?: (string | number | null)[] | null;
};
export type Workflow = {
  dag_id: string; written: "yaml" | "python"; name: string | null; description?: string | null; channel: string | null; transport: string | null;
  is_inbox: boolean; schedule: string | null; next_runs: string[]; audience: string | null; blocks: Block[];
  last: RunLine | null; forecast: { wanted: number | null; free: number; enough_for: number | null } | null;
  faults: Fault[]; notes?: Fault[]; paused: boolean | null; receivers?: string[]; message?: string | null;
  codes: string | null; event: string | null; can?: { act: boolean; turn_on?: boolean };
  coming?: { at: string; wanted: number; free: number; short: number }[]; form?: FormField[];
};

export type Segments = { count: number; encoding: string; characters: number; room: number; strange: string };
/** A message as it is drawn. */
export type Drawn = {
  title: string; body: string; html?: string; image?: string | null; segments?: Segments | null; placeholder: string;
};
export type MessageCall = {
  name?: string; purpose: "message" | "answer" | "profile"; method: string; url: string;
  headers?: Record<string, string>; body?: string | null;
};
export type MessageAnswer = Omit<Drawn, "placeholder"> & {
  contact_id: number; code: string; channel: string; locator?: string | null; expires_at?: string | null;
  request: MessageCall | null; requests?: MessageCall[]; warnings: string[];
  variants: { language: string | null; name: string; chosen: boolean }[];
  would_be: { state: string; reason: string | null } | null;
};

export type DryRun = {
  token: string; state: "running" | "done" | "failed"; by: string; begun_at: string; finished_at: string | null;
  contacts: number; error: string | null; refusals: string[] | null; notes: string[] | null;
  summary: {
    contacts: number; strangers: number; states: Record<string, number>; reasons: Record<string, number>;
    warnings: Record<string, number>; languages: Record<string, number>;
    forecast: { demand: number; ahead: number; stock: number; expiring: number; shortfall: number } | null;
  } | null;
};
export type DryRunRow = {
  contact_id: number; state: string; reason: string; code_masked: string; code_type: string; discount: number | null;
  expires_at: string | null; title: string;
  body: string; warnings: string[] | string;
};

export type TestSend = {
  messages: { contact_id: number; channel: string; title: string; body: string; html: string }[];
  left_out: { contact_id: number; reason: string }[];
  outcomes: { contact_id: number; outcome: string; detail: string }[] | null;
};

export type ContactDetail = {
  contact_id: number; external_id: string | null; first_name: string | null; last_name: string | null;
  language: string | null; time_zone: string | null; masked: boolean;
  channels: { type: string; value: string; closed_at?: string; closed_for?: string; closed_by?: string }[];
  fields: { id: number; name: string; type: string; value: string }[];
  history: Slice<ContactRun>;
};
export type ContactRun = {
  run_id: number; run_key: string; workflow: string; state: string; reason: string | null; code_masked: string | null;
  at: string | null;
};

export type InboxItem = {
  message_id: string; at: string; workflow: string | null; run_key?: string | null; contact_id: number; channel: string;
  locator?: string; title: string | null; body: string | null;
};
export type ReceiverLine = {
  name: string; kind: string | null; breaker: "closed" | "open" | "refuses"; open_until: string | null;
  reason: string | null; budget: { per_s: number; concurrency: number | null; next_at: string | null } | null; remedy: string | null;
  last_errors: { at: string; status: number | string | null; detail: string | null; run_key: string | null }[];
};
export type Checks = {
  invariants: { name: string; text: string; broken: number | null; rows?: string[] }[]; at: string | null;
  took_s: number | null; by?: string | null; state: "never" | "running" | "done" | "failed"; error?: string | null;
  restored_to: string | null;
};
export type AuditEntry = {
  at: string; user: string; action: string; subject: string; reason: string | null; rows: number | null; revealed: boolean;
};
