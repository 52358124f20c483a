/** Sends of which nobody knows whether they arrived: a person decides, about one or many. */

import { Chakra as C, React } from "../airflow_page.js";
import { path, post } from "../api.js";
import {
  Act,
  CodeText,
  counted,
  DataTable,
  Go,
  h,
  PageButtons,
  Section,
  Shown,
  Time,
  toContact,
  usePages,
} from "../kit.js";
import { LIVE_MS, refresh, useKept, useRoute } from "../store.js";

/** @import { Attempt, RunDetail, UnknownSend } from "../types.js" */
/** @import { IconName } from "../kit/element.js" */
/** @typedef {"accept" | "refuse" | "resend"} Decision */

/** @type {{decision: Decision, label: string, title: string, says: string, icon: IconName, danger?: boolean}[]} */
const DECISIONS = [
  {
    decision: "accept",
    label: "It arrived",
    title: "Record that it arrived?",
    icon: "check",
    says: "Counts as sent. The contact keeps the code, and the profile can be written.",
  },
  {
    decision: "refuse",
    label: "It did not arrive",
    title: "Record that it did not arrive?",
    icon: "stop",
    danger: true,
    says: "Counts as refused. The code goes back to the stock: choose it only if the receiver's own log says so.",
  },
  {
    decision: "resend",
    label: "Send again",
    title: "Send once more?",
    icon: "again",
    says: "The same code is sent once more when the run is run again. Contacts that got the first message get a second one.",
  },
];

export function UnknownSends(/** @type {{run: RunDetail}} */ { run }) {
  const route = `runs/${path(run.line.run_id)}/unknown`;
  const pages = usePages(route);
  const loaded = useRoute(route, { after: pages.after }, { every: 3 * LIVE_MS });
  const [chosen, setChosen] = useKept(`chosen of ${route}`, /** @type {string[]} */ ([]));
  return h(
    Section,
    {
      title: `Unknown sends: ${run.states.unknown}`,
      note: "The call broke off before the receiver answered, so nobody knows whether these messages arrived. Each contact keeps the code until you decide.",
    },
    run.can.act ? h(Meanings) : null,
    run.can.act ? h(Deciding, { run, route, chosen, setChosen }) : null,
    h(Shown, {
      loaded,
      what: "The list of unknown sends",
      children: (answer) =>
        h(
          C.Stack,
          { gap: 3 },
          run.can.act ? h(ChooseAll, { rows: answer.items, chosen, setChosen }) : null,
          h(UnknownTable, { rows: answer.items, chosen, setChosen, choosing: run.can.act }),
          h(PageButtons, { pages, next: answer.next, label: "unknown sends" }),
        ),
    }),
  );
}

const Meanings = () =>
  h(
    C.SimpleGrid,
    { columns: { base: 1, md: 3 }, gap: 3 },
    DECISIONS.map(({ decision, label, says }) =>
      h(
        C.Box,
        { key: decision, borderWidth: 1, borderRadius: "md", p: 3 },
        h(C.Text, { fontWeight: "bold" }, label),
        h(C.Text, { fontSize: "sm", color: "fg.muted" }, says),
      ),
    ),
  );

/** @param {{run: RunDetail, route: string, chosen: string[], setChosen: (ids: string[]) => void}} props */
function Deciding({ run, route, chosen, setChosen }) {
  const about = chosen.length ? counted(chosen.length, "chosen send") : `all ${counted(run.states.unknown, "send")}`;
  const contacts = chosen.length ? chosen : "all";
  return h(
    C.Flex,
    { wrap: "wrap", gap: 2, align: "center", role: "group", "aria-label": "Decide" },
    h(C.Text, { "aria-live": "polite", fontWeight: "medium" }, `About ${about}:`),
    DECISIONS.map(({ decision, label, title, says, icon, danger }) =>
      h(
        Act,
        {
          key: decision,
          label,
          title,
          verb: `${label}: ${about}`,
          done: "Decided",
          icon,
          danger,
          effectRoute: `${route}/effect`,
          effectParams: { decision, contact_ids: Array.isArray(contacts) ? contacts.join(",") : contacts },
          reason: "optional",
          act: (reason) => post(route, { decision, contact_ids: contacts, reason }),
          onDone: () => {
            setChosen([]);
            refresh("runs", "strip");
          },
        },
        h(C.Text, { color: "fg.muted", fontSize: "sm" }, says),
      ),
    ),
  );
}

/** @param {{rows: UnknownSend[], chosen: string[], setChosen: (ids: string[]) => void, choosing: boolean}} props */
function UnknownTable({ rows, chosen, setChosen, choosing }) {
  const toggle = (/** @type {string} */ id) =>
    setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  const columns = [
    {
      header: "Contact",
      cell: (/** @type {UnknownSend} */ row) => h(Go, { to: toContact(row.contact_id) }, String(row.contact_id)),
    },
    { header: "Code", cell: (/** @type {UnknownSend} */ row) => h(CodeText, null, row.code_masked) },
    { header: "Since", cell: (/** @type {UnknownSend} */ row) => h(Time, { at: row.since }) },
    {
      header: "What is known",
      from: /** @type {const} */ ("sm"),
      cell: (/** @type {UnknownSend} */ row) => h(LastAttempt, { attempts: row.attempts }),
    },
  ];
  const choose = {
    header: "Choose",
    cell: (/** @type {UnknownSend} */ row) =>
      h(Tick, {
        label: `Choose contact ${row.contact_id}`,
        checked: chosen.includes(row.contact_id),
        onChange: () => toggle(row.contact_id),
      }),
  };
  return h(DataTable, {
    label: "Unknown sends",
    rowKey: (row) => row.contact_id,
    rows,
    columns: choosing ? [choose, ...columns] : columns,
  });
}

/** @param {{rows: UnknownSend[], chosen: string[], setChosen: (ids: string[]) => void}} props */
const ChooseAll = ({ rows, chosen, setChosen }) =>
  h(
    C.HStack,
    { gap: 2 },
    h(
      C.Button,
      {
        size: "xs",
        variant: "outline",
        onClick: () => setChosen([...new Set([...chosen, ...rows.map((row) => row.contact_id)])]),
      },
      "Choose all on this page",
    ),
    h(
      C.Button,
      { size: "xs", variant: "outline", disabled: !chosen.length, onClick: () => setChosen([]) },
      "Choose none",
    ),
  );

const Tick = (/** @type {{label: string, checked: boolean, onChange: () => void}} */ { label, checked, onChange }) =>
  h(
    C.Checkbox.Root,
    { checked, onCheckedChange: onChange, colorPalette: "brand" },
    h(C.Checkbox.HiddenInput, { "aria-label": label }),
    h(C.Checkbox.Control),
  );

const LastAttempt = (/** @type {{attempts: Attempt[]}} */ { attempts }) => {
  const last = attempts.at(-1);
  if (!last) return "–";
  const text = [last.status, last.detail].filter(Boolean).join(": ") || last.outcome;
  return h(React.Fragment, null, text, attempts.length > 1 ? ` (${counted(attempts.length, "attempt")})` : "");
};
