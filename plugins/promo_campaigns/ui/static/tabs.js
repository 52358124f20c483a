/** What stands of ours on Airflow's own pages: a tab on a DAG and on a DAG run, and the strip above the dashboard. */

import { Chakra as C } from "./airflow_page.js";
import { count, counted, Empty, Go, h, Notice, RunBadge, Section, Shown, toRun } from "./kit.js";
import { RunPanel } from "./pages/run_detail.js";
import { lineStates, StateBar } from "./pages/run_parts.js";
import { RunTable } from "./pages/runs.js";
import { Root, SendingStopped } from "./shell.js";
import { LIVE_MS, useRoute } from "./store.js";

/** @import { RunLine, Strip } from "./types.js" */
/** @typedef {{dagId?: string, runId?: string}} Place where in Airflow the component stands */

const NO_RUN = h(
  Empty,
  { title: "No Promo run of this DAG" },
  "Its runs appear here if it is a workflow that gives out codes.",
);

export const DagTab = (/** @type {Place} */ { dagId = "" }) =>
  h(Root, null, h(C.Stack, { gap: 4 }, h(SendingStopped), h(RunTable, { workflow: dagId, empty: NO_RUN })));

export function DagRunTab(/** @type {Place} */ { dagId = "", runId = "" }) {
  return h(Root, null, h(RunsOfDagRun, { dagId, runId }));
}

function RunsOfDagRun(/** @type {{dagId: string, runId: string}} */ { dagId, runId }) {
  const known = (/** @type {{run_ids: number[]}} */ { run_ids }) => run_ids.length > 0;
  const loaded = useRoute("runs/by-dag-run", { dag_id: dagId, run_id: runId }, { every: LIVE_MS, settled: known });
  return h(Shown, {
    loaded,
    what: "The run",
    children: ({ run_ids: runs }) => {
      if (runs.length === 0)
        return h(Empty, { title: "This DAG run has no Promo run" }, "One appears once its block Start has opened it.");
      if (runs.length === 1) return h(RunPanel, { runId: runs[0] });
      return h(
        C.Stack,
        { gap: 8 },
        runs.map((/** @type {number} */ run) => h(RunPanel, { key: run, runId: run })),
      );
    },
  });
}

/** Alarms and what is under way; nothing at all while there is neither. */
export const StripApp = () => h(Root, { scroll: false }, h(StripShown));

function StripShown() {
  const { data } = useRoute("strip", {}, { every: LIVE_MS });
  const strip = /** @type {Strip | undefined} */ (data);
  if (!strip || (!strip.alarms.length && !strip.under_way.length && !strip.sending_stopped)) return null;
  const { alarms, under_way: runs } = strip;
  const more = strip.under_way_count - runs.length;
  return h(
    Section,
    {
      title: "Promo",
      actions: h(
        C.HStack,
        { gap: 4, fontSize: "sm" },
        h(Go, { to: "/plugin/promo/runs" }, "Runs"),
        h(Go, { to: "/plugin/promo/codes" }, "Codes"),
      ),
    },
    h(SendingStopped),
    alarms.map((alarm) =>
      h(Notice, {
        key: alarm.text,
        status: "warning",
        title: alarm.text,
        action: h(Go, { to: "/plugin/promo/codes" }, "Codes"),
      }),
    ),
    runs.map((line) => h(UnderWay, { key: line.run_id, line })),
    more > 0 ? h(C.Text, { color: "fg.muted" }, `${counted(more, "more run is", "more runs are")} under way.`) : null,
  );
}

const UnderWay = (/** @type {{line: RunLine}} */ { line }) =>
  h(
    C.Grid,
    {
      templateColumns: { base: "minmax(0, 1fr) auto", md: "minmax(0, 2fr) auto minmax(0, 3fr) auto" },
      gap: 3,
      alignItems: "center",
    },
    h(C.Box, { overflowWrap: "anywhere" }, h(Go, { to: toRun(line.run_id) }, line.run_key)),
    h(RunBadge, { state: line.state }),
    h(C.Box, { gridColumn: { base: "1 / -1", md: "auto" } }, h(StateBar, { states: lineStates(line), small: true })),
    h(
      C.Text,
      { fontSize: "sm", color: "fg.muted", whiteSpace: "nowrap", gridColumn: { base: "1 / -1", md: "auto" } },
      `${count(line.sent)} of ${count(line.audience)} sent`,
    ),
  );
