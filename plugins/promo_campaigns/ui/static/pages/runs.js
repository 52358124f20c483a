/** Runs: the list, newest first, and beneath it the page of one run. */

import { Chakra as C, Router } from "../airflow_page.js";
import { post } from "../api.js";
import { Act, Choice, count, Empty, Go, h, Page, PagedTable, RUN_STATES, RunBadge, Time, toRun } from "../kit.js";
import { useMe } from "../shell.js";
import { LIVE_MS, refresh } from "../store.js";
import { RunPage } from "./run_detail.js";
import { lineStates, StateBar } from "./run_parts.js";

/** @import { RunLine } from "../types.js" */

export const RunsPage = () =>
  h(
    Router.Routes,
    null,
    h(Router.Route, { index: true, element: h(RunList) }),
    h(Router.Route, { path: ":runId/*", element: h(RunPage) }),
  );

function RunList() {
  const [search, setSearch] = Router.useSearchParams();
  const workflow = search.get("workflow") ?? "";
  const state = search.get("state") ?? "";
  const choose = (/** @type {string} */ name, /** @type {string} */ value) => {
    const next = new URLSearchParams(search);
    if (value) next.set(name, value);
    else next.delete(name);
    setSearch(next);
  };
  return h(
    Page,
    { title: "Runs", actions: h(StopSending) },
    h(
      C.Flex,
      { gap: 3, wrap: "wrap", role: "search", "aria-label": "Filters" },
      h(WorkflowChoice, { value: workflow, onChange: (value) => choose("workflow", value) }),
      h(Choice, {
        label: "State",
        value: state,
        options: RUN_STATES,
        all: "All states",
        onChange: (value) => choose("state", value),
      }),
    ),
    h(RunTable, { workflow, state }),
  );
}

/** The workflows that have runs; one that a link names stays to be chosen though it is gone. */
function WorkflowChoice(/** @type {{value: string, onChange: (value: string) => void}} */ { value, onChange }) {
  const names = new Set(useMe().workflows ?? []);
  if (value) names.add(value);
  const options = [...names].sort().map((name) => ({ value: name, label: name }));
  return h(Choice, { label: "Workflow", value, options, all: "All workflows", onChange });
}

/** @param {{workflow?: string, state?: string, empty?: import("react").ReactNode}} props */
export const RunTable = ({ workflow = "", state = "", empty }) =>
  h(PagedTable, {
    route: "runs",
    params: { workflow, state, limit: 50 },
    watching: { every: LIVE_MS },
    label: "Runs",
    rowKey: (/** @type {RunLine} */ line) => line.run_id,
    columns: COLUMNS,
    empty: empty ?? (workflow || state ? NO_SUCH_RUN : NO_RUN),
  });

const NO_SUCH_RUN = h(Empty, { title: "No run is like that" }, "Choose another workflow or state.");
const NO_RUN = h(
  Empty,
  { title: "No run yet" },
  "A workflow's run appears here as soon as it is triggered or its schedule comes.",
);

/** @type {import("../kit/table.js").Column[]} */
const COLUMNS = [
  { header: "Run", long: true, cell: (line) => h(RunName, { line }) },
  { header: "State", cell: (line) => h(RunBadge, { state: line.state }) },
  {
    header: "Progress",
    from: "md",
    cell: (line) => h(C.Box, { minW: "140px" }, h(StateBar, { states: lineStates(line), small: true })),
  },
  { header: "Audience", numeric: true, from: "sm", cell: (line) => count(line.audience) },
  { header: "Sent", numeric: true, from: "sm", cell: (line) => count(line.sent) },
  { header: "Recorded", numeric: true, from: "lg", cell: (line) => count(line.recorded) },
  {
    header: "Refused",
    numeric: true,
    from: "lg",
    cell: (line) => h(Concern, { number: line.failed, palette: "failed" }),
  },
  {
    header: "Unknown",
    numeric: true,
    from: "lg",
    cell: (line) => h(Concern, { number: line.unknown, palette: "warning" }),
  },
  {
    header: "Opened",
    from: "md",
    cell: (line) => h(C.Box, { as: "span", whiteSpace: "nowrap" }, h(Time, { at: line.opened_at })),
  },
];

/** The run's key without its workflow, which stands beneath it. */
const RunName = (/** @type {{line: RunLine}} */ { line }) =>
  h(
    C.Stack,
    { gap: 0, minW: 0 },
    h(
      C.Box,
      { fontWeight: "medium", overflowWrap: "anywhere" },
      h(Go, { to: toRun(line.run_id), label: line.run_key }, shortKey(line)),
    ),
    h(C.Text, { color: "fg.muted", fontSize: "xs", overflowWrap: "anywhere" }, line.workflow),
    h(
      C.Stack,
      { gap: 1, mt: 1, hideFrom: "md" },
      h(StateBar, { states: lineStates(line), small: true }),
      h(
        C.Text,
        { color: "fg.muted", fontSize: "xs", hideFrom: "sm" },
        `${count(line.sent)} of ${count(line.audience)} sent`,
      ),
    ),
  );

const shortKey = (/** @type {RunLine} */ { run_key, workflow }) =>
  run_key.startsWith(`${workflow}/`) ? run_key.slice(workflow.length + 1) : run_key;

/** A number that should be 0, in its colour if it is not. */
const Concern = (/** @type {{number: number, palette: string}} */ { number, palette }) =>
  number
    ? h(C.Badge, { colorPalette: palette, variant: "subtle", fontVariantNumeric: "tabular-nums" }, count(number))
    : "0";

function StopSending() {
  const { rights, sending_stopped: stopped } = useMe();
  if (!rights.act || stopped) return null;
  return h(Act, {
    label: "Stop all sending",
    title: "Stop all sending?",
    verb: "Stop all sending",
    done: "All sending is stopped",
    icon: "stop",
    danger: true,
    reason: "required",
    effect: {
      sentence:
        "No workflow sends anybody anything until sending goes on again. Calls that are under way come to their end; " +
        "runs stay open and lose nothing.",
    },
    act: (reason) => post("sending/stop", { reason }),
    onDone: () => refresh("me", "runs", "strip"),
  });
}
