/** The people of a run, in pages, by state. */

import { Chakra as C } from "../airflow_page.js";
import { path } from "../api.js";
import {
  Choice,
  CodeText,
  CONTACT_STATES,
  ContactBadge,
  count,
  Empty,
  Go,
  h,
  PagedTable,
  Section,
  Time,
  toContact,
} from "../kit.js";
import { LIVE_MS } from "../store.js";

/** @import { Person, RunDetail } from "../types.js" */

/**
 * @param {{run: RunDetail, over: boolean, state: string, choose: (state: string) => void}} props over: whether the run
 *   has ended and changes no more
 */
export const PeopleOfRun = ({ run, over, state, choose }) =>
  h(
    Section,
    { title: "People", note: "Codes are masked here. A contact's page tells why and when, with every attempt." },
    h(Choice, { label: "State", value: state, options: CONTACT_STATES, all: "All states", onChange: choose }),
    h(PagedTable, {
      route: `runs/${path(run.line.run_id)}/people`,
      params: { state, limit: 25 },
      watching: { every: LIVE_MS, over },
      label: "People of the run",
      rowKey: (/** @type {Person} */ person) => person.contact_id,
      columns: COLUMNS,
      empty: h(Empty, { title: state ? "Nobody is in this state" : "Nobody is in the audience yet" }),
    }),
  );

/** @type {import("../kit/table.js").Column[]} */
const COLUMNS = [
  { header: "Contact", cell: (person) => h(Go, { to: toContact(person.contact_id) }, String(person.contact_id)) },
  { header: "State", cell: (person) => h(ContactBadge, { state: person.state }) },
  { header: "Code", cell: (person) => h(CodeText, null, person.code_masked) },
  {
    header: "Reason",
    long: true,
    from: "md",
    cell: (person) => h(C.Box, { maxW: "320px", overflowWrap: "anywhere" }, person.reason || "–"),
  },
  { header: "Sent", from: "md", cell: (person) => h(Time, { at: person.sent_at }) },
  { header: "Attempts", numeric: true, from: "lg", cell: (person) => count(person.attempts) },
  { header: "Last answer", long: true, from: "lg", cell: (person) => person.last_status ?? "–" },
];
