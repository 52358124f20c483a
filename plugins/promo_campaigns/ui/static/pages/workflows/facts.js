/** What is to be known of a workflow at a glance, on its card and on its page. */

import { Chakra as C } from "../../airflow_page.js";
import { count, counted, Go, h, Mark, Notice, percent, RunBadge, Time, toDag, toRun } from "../../kit.js";

/** @import { Fault, Workflow } from "../../workflow_types.js" */
/** @import { RunLine } from "../../types.js" */

export const titleOf = (/** @type {Workflow} */ workflow) => workflow.name || workflow.dag_id;

/** @param {{workflow: Workflow}} props */
export const Badges = ({ workflow }) =>
  h(
    C.Flex,
    { gap: 2, wrap: "wrap" },
    workflow.channel ? h(Mark, { word: workflow.channel, palette: "info", says: "The channel of its message" }) : null,
    workflow.is_inbox
      ? h(Mark, {
          word: "inbox: nobody is really sent anything",
          palette: "warning",
          says: "The built-in inbox keeps messages in the store",
        })
      : null,
    !workflow.is_inbox && workflow.transport
      ? h(Mark, { word: `by ${workflow.transport}`, palette: "none", says: "What carries its messages" })
      : null,
    workflow.written === "python"
      ? h(Mark, { word: "written in Python", palette: "none", says: "Defined by a DAG, not by a file of include/workflows" })
      : null,
    workflow.paused === true
      ? h(Mark, { word: "DAG paused", palette: "deferred", says: "Airflow starts no run of it until it is switched on" })
      : null,
    workflow.faults.length ? h(Mark, { word: counted(workflow.faults.length, "fault"), palette: "failed" }) : null,
  );

/** What the check found, with the file and the line to look at. @param {{workflow: Workflow}} props */
export const Findings = ({ workflow }) =>
  h(
    C.Stack,
    { gap: 2 },
    workflow.faults.map((fault, place) => h(Notice, { key: `fault ${place}`, status: "error", title: placeOf(fault) }, fault.text)),
    (workflow.notes ?? []).map((note, place) => h(Notice, { key: `note ${place}`, status: "info", title: placeOf(note) }, note.text)),
  );

const placeOf = (/** @type {Fault} */ { file, line }) => (line ? `${file}, line ${line}` : file);

/** Whether Airflow has the DAG: one of a new file, or of a file that is wrong, is not there. */
export const hasDag = (/** @type {Workflow} */ workflow) => workflow.paused !== null;

export const DagLink = (/** @type {{workflow: Workflow}} */ { workflow }) =>
  hasDag(workflow)
    ? h(C.Box, { overflowWrap: "anywhere" }, h(Go, { to: toDag(workflow.dag_id) }, workflow.dag_id))
    : h(C.Text, { color: "fg.muted", overflowWrap: "anywhere" }, `Airflow has no DAG ${workflow.dag_id} yet`);

/** @param {{workflow: Workflow}} props */
export function Schedule({ workflow }) {
  const { schedule, next_runs: coming = [], paused } = workflow;
  if (!schedule) return workflow.blocks.length ? "by hand" : "–";
  return h(
    C.Stack,
    { gap: 0 },
    h(C.Text, { fontFamily: "mono", fontSize: "sm", overflowWrap: "anywhere" }, schedule),
    paused && coming.length ? h(C.Text, { fontSize: "sm", color: "fg.muted" }, "paused; once it is on:") : null,
    coming.slice(0, 3).map((at) => h(C.Text, { key: at, fontSize: "sm" }, h(Time, { at }))),
  );
}

/** Whether there are codes for the coming runs, in words and as a bar. @param {{workflow: Workflow}} props */
export function Stock({ workflow }) {
  const { forecast, codes } = workflow;
  if (!forecast) return "–";
  const { wanted, free, enough_for: enough } = forecast;
  const palette = enough === null ? (free ? "info" : "danger") : enough < 1 ? "danger" : enough < 3 ? "warning" : "success";
  return h(
    C.Stack,
    { gap: 1, minW: 0 },
    h(C.Text, null, counted(free, "free code")),
    codes ? h(C.Text, { fontSize: "sm", color: "fg.muted", overflowWrap: "anywhere" }, codes) : null,
    wanted ? h(Bar, { share: Math.min(1, free / (3 * wanted)), palette }) : null,
    h(C.Text, { fontSize: "sm", color: `${palette}.fg` }, inWords(wanted, free, enough)),
  );
}

function inWords(/** @type {number | null} */ wanted, /** @type {number} */ free, /** @type {number | null} */ enough) {
  if (!wanted || enough === null) return free ? "no run yet to measure the need by" : "no code is free";
  const need = `a run needs about ${count(wanted)}`;
  return enough < 1 ? `${need}: not enough for the next` : `${need}: enough for ${counted(Math.floor(enough), "more run")}`;
}

/** It stands beside words that say the same. */
const Bar = (/** @type {{share: number, palette: string}} */ { share, palette }) =>
  h(
    C.Box,
    { "aria-hidden": true, height: "6px", maxW: "220px", borderRadius: "full", bg: "bg.emphasized", overflow: "hidden" },
    h(C.Box, { height: "100%", width: `${100 * share}%`, bg: `${palette}.solid` }),
  );

/** @param {{line: RunLine | null}} props */
export const LastRun = ({ line }) =>
  line
    ? h(
        C.Stack,
        { gap: 1, align: "flex-start", minW: 0 },
        h(
          C.Flex,
          { gap: 2, wrap: "wrap", align: "center" },
          h(RunBadge, { state: line.state }),
          h(Go, { to: toRun(line.run_id), label: `Run ${line.run_key}` }, h(Time, { at: line.opened_at, relative: true })),
        ),
        h(C.Text, { fontSize: "sm" }, `${count(line.sent)} of ${count(line.audience)} sent (${percent(line.sent, line.audience)})`),
        line.failed || line.unknown
          ? h(C.Text, { fontSize: "sm", color: "danger.fg" }, `${count(line.failed)} refused or too late, ${count(line.unknown)} unknown`)
          : null,
      )
    : "no run yet";
