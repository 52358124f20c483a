/** One run: how far it is, what holds it up, what became of whom, and what can be done about it. */

import { Chakra as C, Router } from "../airflow_page.js";
import { path } from "../api.js";
import {
  count,
  counted,
  DataTable,
  distance,
  duration,
  Empty,
  Figure,
  Go,
  h,
  Mark,
  Notice,
  Page,
  RunBadge,
  Section,
  Shown,
  Time,
  timeText,
  toDag,
  toDagRun,
} from "../kit.js";
import { LIVE_MS, useRoute } from "../store.js";
import { RunActions } from "./run_actions.js";
import { Funnel, StateBar, StateKey } from "./run_parts.js";
import { PeopleOfRun } from "./run_people.js";
import { UnknownSends } from "./unknown_sends.js";

/** @import { Receiver, RunDetail } from "../types.js" */

const ENDED = new Set(["closed", "cancelled"]);

/** A run that has ended and waits for nothing changes no more unless a person acts. */
const settled = (/** @type {RunDetail} */ { line }) => ENDED.has(line.state) && line.waiting === 0;

const useRun = (/** @type {string | number} */ runId) =>
  useRoute(`runs/${path(runId)}`, {}, { every: LIVE_MS, settled });

const RUNS = { to: "/plugin/promo/runs", label: "Runs" };

export function RunPage() {
  const { runId = "" } = Router.useParams();
  const loaded = useRun(runId);
  const run = /** @type {RunDetail | undefined} */ (loaded.data);
  return h(
    Page,
    {
      title: run ? run.line.run_key : `Run ${runId}`,
      back: RUNS,
      badge: run ? h(Badges, { run }) : undefined,
      actions: run ? h(RunActions, { run }) : undefined,
    },
    h(Shown, { loaded, what: "The run", lines: 8, children: (data) => h(RunBody, { run: data }) }),
  );
}

/** The same within Airflow's page of the DAG run, which has its own heading. */
export function RunPanel(/** @type {{runId: number}} */ { runId }) {
  const loaded = useRun(runId);
  return h(Shown, {
    loaded,
    what: "The run",
    children: (/** @type {RunDetail} */ run) =>
      h(
        C.Stack,
        { gap: 4 },
        h(
          C.Flex,
          { wrap: "wrap", gap: 3, align: "center", justify: "space-between" },
          h(
            C.Flex,
            { wrap: "wrap", gap: 3, align: "center" },
            h(Go, { to: `/plugin/promo/runs/${runId}` }, run.line.run_key),
            h(Badges, { run }),
          ),
          h(C.Flex, { wrap: "wrap", gap: 2 }, h(RunActions, { run })),
        ),
        h(RunBody, { run }),
      ),
  });
}

const Badges = (/** @type {{run: RunDetail}} */ { run }) =>
  h(
    C.Flex,
    { gap: 2, wrap: "wrap" },
    h(RunBadge, { state: run.line.state }),
    run.is_inbox ? h(Mark, { word: "inbox: nobody is really sent anything", palette: "info" }) : null,
  );

function RunBody(/** @type {{run: RunDetail}} */ { run }) {
  const [search, setSearch] = Router.useSearchParams();
  const state = search.get("people") ?? "";
  const choose = (/** @type {string} */ next) =>
    setSearch(next ? { people: next } : {}, { replace: true, preventScrollReset: true });
  return h(
    C.Stack,
    { gap: 4 },
    h(Hold, { run }),
    h(
      Section,
      { title: "How far it is", actions: h(Origin, { run }) },
      h(Figures, { run }),
      h(StateBar, { states: run.states }),
      h(StateKey, { states: run.states, chosen: state, choose }),
    ),
    run.states.unknown > 0 ? h(UnknownSends, { run }) : null,
    h(
      C.SimpleGrid,
      { columns: { base: 1, lg: 2 }, gap: 4 },
      h(Section, { title: "From the audience to the profile" }, h(Funnel, { steps: run.funnel })),
      h(Section, { title: "Why some got nothing" }, h(Reasons, { reasons: run.reasons })),
    ),
    h(PeopleOfRun, { run, over: settled(run), state, choose }),
    run.report.length ? h(Section, { title: "Report" }, h(Report, { report: run.report })) : null,
  );
}

/** What keeps the run from going on: a person, a receiver, the clock; or that it has nobody to go to. */
function Hold(/** @type {{run: RunDetail}} */ { run }) {
  const { line, receivers } = run;
  const waits = run.waits.filter(({ what }) => !receivers.some((receiver) => what.startsWith(`${receiver.name}: `)));
  const empty = line.state === "closed" && line.audience === 0;
  if (!receivers.length && !waits.length && line.state !== "cancelled" && !empty) return null;
  return h(
    C.Stack,
    { gap: 2 },
    line.state === "cancelled"
      ? h(
          Notice,
          { status: "warning", title: `${line.halted_by || "Somebody"} cancelled this run` },
          line.halt_reason || "No reason was given.",
        )
      : null,
    empty
      ? h(Notice, { status: "info", title: "The audience was empty" }, "Nobody belonged to it when the run was opened.")
      : null,
    receivers.map((receiver) => h(ReceiverNote, { key: receiver.name, receiver })),
    waits.map((wait) =>
      h(
        Notice,
        { key: wait.what, status: "info", title: `Waits: ${wait.what}` },
        wait.until ? `Until ${timeText(wait.until)}, ${distance(wait.until)}.` : null,
      ),
    ),
  );
}

/** A receiver that is set up wrongly is red; one that is busy is let rest for a while. */
const ReceiverNote = (/** @type {{receiver: Receiver}} */ { receiver }) =>
  h(
    Notice,
    {
      status: receiver.refuses ? "error" : "warning",
      title: `${receiver.name} ${receiver.refuses ? "refuses" : "does not answer just now"}: ${receiver.status}`,
    },
    h(
      C.Stack,
      { gap: 0 },
      receiver.remedy ? h(C.Text, null, receiver.remedy) : null,
      receiver.open_until
        ? h(C.Text, null, `It is asked again ${distance(receiver.open_until)}, at ${timeText(receiver.open_until)}.`)
        : null,
    ),
  );

const Origin = (/** @type {{run: RunDetail}} */ { run }) =>
  h(
    C.Flex,
    { gap: 4, wrap: "wrap", fontSize: "sm", align: "center" },
    run.send_by ? h("span", null, "to be sent by ", h(Time, { at: run.send_by })) : null,
    h(Go, { to: toDag(run.dag.dag_id) }, `DAG ${run.dag.dag_id}`),
    run.dag.run_id ? h(Go, { to: toDagRun(run.dag.dag_id, run.dag.run_id) }, "DAG run") : null,
  );

function Figures(/** @type {{run: RunDetail}} */ { run }) {
  const { line, rate_per_s: rate, seconds_left: left } = run;
  const ended = ENDED.has(line.state);
  const took = line.closed_at ? duration((Date.parse(line.closed_at) - Date.parse(line.opened_at)) / 1000) : null;
  return h(
    C.SimpleGrid,
    { columns: { base: 2, md: 4 }, gap: 3 },
    h(Figure, { name: "Audience", value: line.audience, note: poolText(run.pool_left) }),
    h(Figure, { name: "Sent", value: line.sent, note: `${count(line.recorded)} of them on the profile` }),
    ended
      ? h(Figure, { name: "Took", value: took ?? "–", note: h(Time, { at: line.closed_at }) })
      : h(Figure, {
          name: "Time left",
          value: left === null || left === undefined ? "–" : duration(left),
          note: rateText(rate),
        }),
    ended
      ? h(Figure, {
          name: "Not reached",
          value: line.skipped + line.failed,
          note: `${count(line.failed)} of them refused or too late`,
        })
      : h(Figure, {
          name: "Waiting",
          value: line.waiting,
          note: h("span", null, "last change ", h(Time, { at: line.moved_at, relative: true })),
        }),
  );
}

const poolText = (/** @type {number | null} */ pool) =>
  pool === null || pool === undefined ? null : `${counted(pool, "code is", "codes are")} left in the stock`;

const rateText = (/** @type {number | null} */ rate) =>
  rate
    ? `${count(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))} messages a second`
    : "nothing is sent just now";

const Reasons = (/** @type {{reasons: Record<string, number>}} */ { reasons }) =>
  h(DataTable, {
    label: "Reasons",
    rowKey: ([reason]) => reason,
    columns: [
      { header: "Reason", long: true, cell: ([reason]) => reason },
      { header: "People", numeric: true, cell: ([, number]) => count(number) },
    ],
    rows: Object.entries(reasons).sort(([, one], [, other]) => other - one),
    empty: h(Empty, { title: "Nobody was left out or refused" }),
  });

const Report = (/** @type {{report: [string, string | number][]}} */ { report }) =>
  h(DataTable, {
    label: "Report",
    rowKey: ([label]) => label,
    columns: [
      { header: "What", cell: ([label]) => label },
      { header: "Value", numeric: true, cell: ([, value]) => (typeof value === "number" ? count(value) : value) },
    ],
    rows: report,
  });
