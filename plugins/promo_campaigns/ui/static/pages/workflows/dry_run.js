/** The dry run: what a run would do to each contact, counted and contact by contact. Nothing is given out or sent. */

import { Chakra as C, React } from "../../airflow_page.js";
import { path, post } from "../../api.js";
import {
  Choice,
  CodeText,
  counted,
  dayText,
  Empty,
  Figure,
  Go,
  h,
  Mark,
  Notice,
  PagedTable,
  percent,
  Section,
  Shown,
  tellFailure,
  Time,
  DataTable,
  count,
} from "../../kit.js";
import { refresh, useKept, useRoute } from "../../store.js";
import { toWorkflow } from "./list.js";

/** @import { Column } from "../../kit/table.js" */
/** @import { DryRun, DryRunRow, Workflow } from "../../workflow_types.js" */

const WATCH_MS = 2_000;
const STATES = /** @type {Record<string, {word: string, palette: string, says: string}>} */ ({
  send: { word: "would be sent", palette: "success", says: "The contact would get a code and the message." },
  skipped: { word: "left out", palette: "skipped", says: "A run would leave the contact out, for the reason that is told." },
  rejected: { word: "cannot be written", palette: "failed", says: "The message cannot be written for this contact." },
});
/** The settings in which a dry run may differ from its workflow. */
const ASKED = ["audience", "message"];

export function DryRuns(/** @type {{workflow: Workflow}} */ { workflow }) {
  const route = `workflows/${path(workflow.dag_id)}/dry-run`;
  const newest = useRoute(route, {}, { every: WATCH_MS, settled: (run) => run?.state !== "running" });
  return h(
    C.Stack,
    { gap: 5 },
    h(Begin, { workflow, route, isBusy: newest.data?.state === "running" }),
    h(Shown, {
      loaded: newest,
      what: "The dry run",
      children: (/** @type {DryRun | null} */ run) =>
        run
          ? h(Result, { run, route, workflow })
          : h(
              Empty,
              { title: "No dry run yet" },
              "A dry run writes the message for every contact of the audience and counts the codes. Nobody is sent anything, and no code is given out.",
            ),
    }),
  );
}

/** @param {{workflow: Workflow, route: string, isBusy: boolean}} props */
function Begin({ workflow, route, isBusy }) {
  const [asked, setAsked] = useKept(`dry run of ${workflow.dag_id}`, /** @type {Record<string, string>} */ ({}));
  const [isStarting, setStarting] = React.useState(false);
  const fields = (workflow.form ?? []).filter((field) => ASKED.includes(field.name) && field.choices?.length);
  const begin = async () => {
    setStarting(true);
    try {
      await post(route, Object.fromEntries(Object.entries(asked).filter(([, value]) => value)));
    } catch (error) {
      tellFailure("The dry run did not begin", error);
    }
    setStarting(false);
    refresh(route);
  };
  return h(
    C.Flex,
    { gap: 4, wrap: "wrap", align: "flex-end" },
    fields.map(({ name, title, choices }) => {
      const options = (choices ?? []).filter((choice) => typeof choice === "string").map((choice) => ({ value: choice, label: choice }));
      return h(Choice, {
        key: name,
        label: title,
        value: asked[name] ?? "",
        all: "as the workflow says",
        options,
        onChange: (/** @type {string} */ value) => setAsked({ ...asked, [name]: value }),
      });
    }),
    h(
      C.Button,
      { size: "sm", colorPalette: "brand", loading: isStarting, disabled: isBusy || workflow.can?.act === false, onClick: begin },
      isBusy ? "A dry run is under way" : "Run a dry run",
    ),
  );
}

/** @param {{run: DryRun, route: string, workflow: Workflow}} props */
const Result = ({ run, route, workflow }) =>
  h(
    C.Stack,
    { gap: 5 },
    h(
      C.Text,
      { fontSize: "sm", color: "fg.muted" },
      `${run.by} began it `,
      h(Time, { at: run.begun_at, relative: true }),
      run.state === "running" ? `: ${counted(run.contacts, "contact")} so far.` : ".",
    ),
    run.state === "failed" ? h(Notice, { status: "error", title: "The dry run failed" }, run.error ?? "") : null,
    run.state === "running"
      ? h(
          C.Progress.Root,
          { value: null, size: "sm", "aria-label": "The dry run is under way" },
          h(C.Progress.Track, null, h(C.Progress.Range)),
        )
      : null,
    (run.refusals ?? []).map((text) => h(Notice, { key: text, status: "error", title: "Start will refuse such a run" }, text)),
    run.summary ? h(Summary, { summary: run.summary }) : null,
    (run.notes ?? []).map((text) => h(Notice, { key: text, status: "info", title: "To be known" }, text)),
    h(Rows, { run, route, workflow }),
  );

/** @param {{summary: NonNullable<DryRun["summary"]>}} props */
function Summary({ summary }) {
  const { contacts, states, forecast } = summary;
  return h(
    Section,
    { title: "In numbers" },
    h(
      C.SimpleGrid,
      { columns: { base: 2, md: 3, xl: 6 }, gap: 3 },
      h(Figure, { name: "contacts in the audience", value: contacts }),
      Object.entries(STATES).map(([state, { word }]) =>
        h(Figure, { key: state, name: word, value: states[state] ?? 0, note: percent(states[state] ?? 0, contacts) }),
      ),
      forecast
        ? h(Figure, {
            name: "codes needed",
            value: forecast.demand,
            note: forecast.ahead ? `${count(forecast.ahead)} more are promised to other runs` : undefined,
          })
        : null,
      forecast
        ? h(Figure, {
            name: "codes in stock",
            value: forecast.stock,
            note: forecast.shortfall ? `${count(forecast.shortfall)} short` : "enough",
          })
        : null,
    ),
    h(
      C.SimpleGrid,
      { columns: { base: 1, lg: 2 }, gap: 4 },
      h(Tally, { title: "Why contacts are left out", counts: summary.reasons }),
      h(Tally, { title: "Warnings", counts: summary.warnings }),
      h(Tally, { title: "Texts by language", counts: summary.languages }),
    ),
  );
}

/** @param {{title: string, counts: Record<string, number>}} props */
const Tally = ({ title, counts }) =>
  Object.keys(counts ?? {}).length
    ? h(DataTable, {
        label: title,
        rows: Object.entries(counts).sort(([, few], [, many]) => many - few),
        rowKey: ([name]) => name,
        columns: [
          { header: title, cell: ([name]) => name },
          { header: "Contacts", cell: ([, number]) => count(number), numeric: true },
        ],
      })
    : null;

/** @param {{run: DryRun, route: string, workflow: Workflow}} props */
function Rows({ run, route, workflow }) {
  const [state, setState] = useKept(`dry run state of ${workflow.dag_id}`, "");
  const options = Object.entries(STATES).map(([value, { word }]) => ({ value, label: word }));
  return h(
    Section,
    { title: "Contact by contact", note: "Codes are masked; in the texts the placeholder stands in their place." },
    h(Choice, { label: "What would happen", value: state, all: "everything", options, onChange: setState }),
    h(PagedTable, {
      label: "Contacts of the dry run",
      route: `${route}/${path(run.token)}`,
      params: { state },
      watching: { every: WATCH_MS, settled: (/** @type {DryRun} */ answer) => answer.state !== "running" },
      columns: columns(workflow),
      rowKey: (row) => row.contact_id,
      empty: h(Empty, { title: "No contact" }, state ? "Nobody is in this state." : "The audience is empty."),
    }),
  );
}

/** @returns {Column[]} */
const columns = (/** @type {Workflow} */ workflow) => [
  {
    header: "Contact",
    cell: (row) =>
      h(
        Go,
        {
          to: `${toWorkflow(workflow.dag_id, "message")}?contact=${row.contact_id}`,
          label: `See the message of contact ${row.contact_id}`,
        },
        String(row.contact_id),
      ),
  },
  { header: "What would happen", cell: (row) => h(Outcome, { row }) },
  { header: "Code", cell: (row) => h(GivenCode, { row }), from: "md" },
  { header: "Valid until", cell: (row) => dayText(row.expires_at), from: "xl" },
  { header: "Message", cell: (row) => h(Texts, { row }), from: "sm" },
];

/** @param {{row: DryRunRow}} props */
const GivenCode = ({ row }) =>
  h(
    C.Stack,
    { gap: 0, align: "flex-start" },
    h(CodeText, null, row.code_masked),
    row.code_type
      ? h(C.Text, { fontSize: "xs", color: "fg.muted" }, `${row.code_type}, ${row.discount ?? 0} %`)
      : null,
  );

/** @param {{row: DryRunRow}} props */
const Outcome = ({ row }) => {
  const warnings = [row.warnings].flat().filter(Boolean);
  return h(
    C.Stack,
    { gap: 1, align: "flex-start", minW: "120px" },
    h(Mark, STATES[row.state] ?? { word: row.state, palette: "none" }),
    row.reason ? h(C.Text, { fontSize: "sm" }, row.reason) : null,
    warnings.map((warning) => h(C.Text, { key: warning, fontSize: "sm", color: "warning.fg" }, warning)),
  );
};

/** @param {{row: DryRunRow}} props */
const Texts = ({ row }) =>
  row.title || row.body
    ? h(
        C.Box,
        { maxW: "420px", minW: 0 },
        h(C.Text, { fontWeight: "medium", lineClamp: 1 }, row.title),
        h(C.Text, { fontSize: "sm", color: "fg.muted", lineClamp: 2, whiteSpace: "pre-line" }, row.body),
      )
    : "–";
