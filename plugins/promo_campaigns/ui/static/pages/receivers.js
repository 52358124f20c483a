/** The page Receivers: who messages and profiles go to, whether they answer, and what to do where they do not. */

import { Chakra as C } from "../airflow_page.js";
import { DataTable, Empty, Facts, h, Mark, Notice, Page, Section, Shown, Time } from "../kit.js";
import { useRoute } from "../store.js";

/** @import { ReceiverLine } from "../workflow_types.js" */

const WATCH_MS = 5_000;
const BREAKERS = {
  closed: { word: "no trouble known", palette: "success", says: "Calls are made as they are due." },
  open: { word: "backing off", palette: "warning", says: "It failed several times in a row; it is tried again after a pause." },
  refuses: { word: "refuses", palette: "failed", says: "It refuses every call: its connection has to be put right." },
};

export function ReceiversPage() {
  const loaded = useRoute("receivers", {}, { every: WATCH_MS });
  return h(
    Page,
    { title: "Receivers" },
    h(Shown, {
      loaded,
      what: "The list of receivers",
      children: (/** @type {ReceiverLine[]} */ receivers) =>
        receivers.length
          ? h(
              C.Stack,
              { gap: 4 },
              [...receivers].sort(worstFirst).map((receiver) => h(OneReceiver, { key: receiver.name, receiver })),
            )
          : h(Empty, { title: "No receiver was called yet" }, "A receiver appears here once a run has called it."),
    }),
  );
}

const ORDER = ["refuses", "open", "closed"];
const worstFirst = (/** @type {ReceiverLine} */ one, /** @type {ReceiverLine} */ other) =>
  ORDER.indexOf(one.breaker) - ORDER.indexOf(other.breaker) || one.name.localeCompare(other.name);

/** @param {{receiver: ReceiverLine}} props */
const OneReceiver = ({ receiver }) =>
  h(
    Section,
    { title: receiver.name, actions: h(Mark, BREAKERS[receiver.breaker] ?? { word: receiver.breaker, palette: "none" }) },
    receiver.breaker === "refuses"
      ? h(Notice, { status: "error", title: "It refuses every call" }, receiver.remedy || "Look at its connection.")
      : null,
    receiver.breaker === "open"
      ? h(Notice, { status: "warning", title: "Calls back off for a while" }, receiver.remedy || "It is tried again by itself.")
      : null,
    h(Facts, {
      items: [
        ["Kind", receiver.kind ?? "–"],
        ["Budget", budgetOf(receiver)],
        ...(receiver.reason ? [/** @type {[string, any]} */ (["What it said", receiver.reason])] : []),
        ...(receiver.open_until ? [/** @type {[string, any]} */ (["Tried again", h(Time, { at: receiver.open_until })])] : []),
      ],
    }),
    receiver.last_errors.length ? h(Errors, { receiver }) : h(C.Text, { fontSize: "sm", color: "fg.muted" }, "No error was noted."),
  );

function budgetOf(/** @type {ReceiverLine} */ { budget }) {
  if (!budget) return "no limit";
  const parts = [budget.per_s ? `${budget.per_s} calls a second` : "", budget.concurrency ? `${budget.concurrency} at a time` : ""].filter(
    Boolean,
  );
  return parts.join(", ") || "no limit";
}

/** @param {{receiver: ReceiverLine}} props */
const Errors = ({ receiver }) =>
  h(DataTable, {
    label: `Last errors of ${receiver.name}`,
    rows: receiver.last_errors.map((error, place) => ({ ...error, place })),
    rowKey: (row) => row.place,
    columns: [
      { header: "Status", cell: (row) => row.status ?? "–" },
      { header: "What it said", cell: (row) => h(C.Text, { as: "span", overflowWrap: "anywhere" }, row.detail ?? "–") },
      { header: "When", cell: (row) => h(Time, { at: row.at }) },
      { header: "Run", long: true, cell: (row) => row.run_key ?? "–", from: "md" },
    ],
  });
