/** The page Checks: what must hold for every code and contact, and whether it does. */

import { Chakra as C } from "../airflow_page.js";
import { post } from "../api.js";
import { Act, count, counted, DataTable, duration, h, Mark, Notice, Page, Shown, Time } from "../kit.js";
import { useMe } from "../shell.js";
import { refresh, useRoute } from "../store.js";

/** @import { Checks } from "../workflow_types.js" */

const WATCH_MS = 3_000;

export function ChecksPage() {
  const { rights } = useMe();
  const loaded = useRoute("checks", {}, { every: WATCH_MS, settled: (checks) => checks.state !== "running" });
  return h(
    Page,
    { title: "Checks", actions: rights.act ? h(RunNow, { isRunning: loaded.data?.state === "running" }) : null },
    h(
      C.Text,
      { color: "fg.muted" },
      "Each line is a promise of the ledger. A promise that does not hold is a fault of the product or of somebody who wrote into the store by hand.",
    ),
    h(Shown, { loaded, what: "The last check", children: (checks) => h(Result, { checks }) }),
  );
}

/** @param {{isRunning: boolean}} props */
const RunNow = ({ isRunning }) =>
  h(Act, {
    label: isRunning ? "Checking" : "Check now",
    icon: "again",
    title: "Check the whole store now?",
    verb: "Check",
    done: "The check has begun",
    disabled: isRunning,
    effect: {
      sentence:
        "Every promise is checked over all codes and assignments. Nothing is changed; a large store takes minutes, and sends go on meanwhile.",
    },
    act: () => post("checks/run"),
    onDone: () => refresh("checks"),
  });

/** @param {{checks: Checks}} props */
function Result({ checks }) {
  const broken = checks.invariants.filter((one) => one.broken);
  return h(
    C.Stack,
    { gap: 4 },
    checks.restored_to ? h(Restored, { to: checks.restored_to }) : null,
    h(Conclusion, { checks, broken: broken.length }),
    h(DataTable, {
      label: "Promises of the ledger",
      rows: [...broken, ...checks.invariants.filter((one) => !one.broken)],
      rowKey: (row) => row.name,
      columns: [
        { header: "State", cell: (row) => h(Held, { broken: row.broken }) },
        { header: "Promise", long: true, cell: (row) => h(Promised, { row }) },
      ],
    }),
  );
}

const Restored = (/** @type {{to: string}} */ { to }) =>
  h(
    Notice,
    { status: "warning", title: "The store was restored from a backup" },
    "What was sent after ",
    h(Time, { key: "to", at: to }),
    " is forgotten, and waits until it is decided: promo db restored tells what is left.",
  );

/** @param {{checks: Checks, broken: number}} props */
function Conclusion({ checks, broken }) {
  if (checks.state === "running")
    return h(Notice, { status: "info", title: "A check is under way" }, "This page shows its result as soon as there is one.");
  if (checks.state === "failed") return h(Notice, { status: "error", title: "The check broke off" }, checks.error ?? "");
  if (checks.state === "never" || !checks.at)
    return h(
      Notice,
      { status: "info", title: "The store was not checked from here yet" },
      "A check reads the whole store and changes nothing.",
    );
  const when = [
    "Checked at ",
    h(Time, { key: "at", at: checks.at }),
    checks.took_s === null ? "" : ` in ${duration(checks.took_s)}`,
    checks.by ? `, by ${checks.by}.` : ".",
  ];
  return broken
    ? h(Notice, { status: "error", title: `${counted(broken, "promise does", "promises do")} not hold` }, when)
    : h(Notice, { status: "success", title: "Every promise holds" }, when);
}

const Held = (/** @type {{broken: number | null}} */ { broken }) =>
  broken === null
    ? h(Mark, { word: "not checked", palette: "none" })
    : broken
      ? h(Mark, { word: `broken ${count(broken)} ×`, palette: "failed" })
      : h(Mark, { word: "holds", palette: "success" });

/** @param {{row: Checks["invariants"][number]}} props */
const Promised = ({ row }) =>
  h(
    C.Stack,
    { gap: 1 },
    h(C.Text, null, row.text || row.name.replaceAll("_", " ")),
    row.text ? h(C.Text, { fontSize: "xs", color: "fg.muted", fontFamily: "mono" }, row.name) : null,
    row.rows?.length
      ? h(C.Box, { as: "pre", m: 0, fontSize: "xs", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }, row.rows.join("\n"))
      : null,
  );
