/** One workflow: what it is, its message, dry run, test send and trigger, each at an address of its own. */

import { Chakra as C, Router } from "../../airflow_page.js";
import { path } from "../../api.js";
import { DataTable, Facts, GoButton, h, Notice, Page, Section, Shown, count, Time, toDag } from "../../kit.js";
import { useRoute } from "../../store.js";
import { MessageView } from "../message/view.js";
import { Chain } from "./chain.js";
import { DryRuns } from "./dry_run.js";
import { Badges, DagLink, Findings, hasDag, LastRun, Schedule, Stock, titleOf } from "./facts.js";
import { toWorkflow } from "./list.js";
import { TestSends } from "./test_send.js";
import { Trigger } from "./trigger.js";

/** @import { Workflow } from "../../workflow_types.js" */

const VIEWS = /** @type {const} */ ([
  ["", "Overview"],
  ["message", "Message"],
  ["dry-run", "Dry run"],
  ["test", "Test send"],
  ["trigger", "Trigger"],
]);
const REFRESH_MS = 30_000;

export function WorkflowPage() {
  const { workflowId = "" } = Router.useParams();
  const loaded = useRoute(`workflows/${path(workflowId)}`, {}, { every: REFRESH_MS });
  const workflow = /** @type {Workflow | undefined} */ (loaded.data);
  return h(
    Page,
    {
      title: workflow ? titleOf(workflow) : workflowId,
      badge: workflow ? h(Badges, { workflow }) : null,
      back: { to: "/plugin/promo/workflows", label: "Workflows" },
      actions: workflow && hasDag(workflow) ? h(GoButton, { to: toDag(workflowId) }, "DAG") : null,
    },
    workflow?.written === "python" ? null : h(ViewTabs, { workflowId }),
    h(Shown, { loaded, what: "The workflow", children: (found) => h(Views, { workflow: found }) }),
  );
}

/** Of a workflow in Python there is the overview alone: the others need its file. */
const ViewTabs = (/** @type {{workflowId: string}} */ { workflowId }) =>
  h(
    C.Flex,
    { as: "nav", "aria-label": "Workflow", gap: 1, wrap: "wrap" },
    VIEWS.map(([view, label]) =>
      h(
        Router.NavLink,
        { key: view, to: toWorkflow(workflowId, view), end: true },
        /** @type {any} */ (
          (/** @type {{isActive: boolean}} */ { isActive }) =>
            h(
              C.Center,
              {
                px: 3,
                py: 1,
                borderRadius: "full",
                borderWidth: 1,
                fontSize: "sm",
                fontWeight: "medium",
                whiteSpace: "nowrap",
                ...(isActive
                  ? { bg: "brand.subtle", color: "brand.fg", borderColor: "brand.emphasized" }
                  : { color: "fg.muted", _hover: { bg: "bg.subtle" } }),
              },
              label,
            )
        ),
      ),
    ),
  );

/** A workflow without a file that can be read has nothing to show but what is to be known of it. */
function readable(/** @type {(props: {workflow: Workflow}) => any} */ View, /** @type {Workflow} */ workflow) {
  if (workflow.written === "python") return h(Findings, { workflow });
  if (workflow.blocks.length) return h(View, { workflow });
  return h(
    C.Stack,
    { gap: 3 },
    h(Findings, { workflow }),
    h(Notice, { status: "info", title: "First mend the file" }, "Nothing can be shown or sent while the workflow cannot be read."),
  );
}

/** @param {{workflow: Workflow}} props */
const Views = ({ workflow }) =>
  h(
    Router.Routes,
    null,
    h(Router.Route, { index: true, element: h(Overview, { workflow }) }),
    h(Router.Route, { path: "message", element: readable(MessageView, workflow) }),
    h(Router.Route, { path: "dry-run", element: readable(DryRuns, workflow) }),
    h(Router.Route, { path: "test", element: readable(TestSends, workflow) }),
    h(Router.Route, { path: "trigger", element: readable(Trigger, workflow) }),
  );

/** @param {{workflow: Workflow}} props */
const Overview = ({ workflow }) =>
  h(
    C.Stack,
    { gap: 5 },
    h(Findings, { workflow }),
    workflow.description ? h(C.Text, { color: "fg.muted" }, workflow.description) : null,
    workflow.blocks.length ? h(Section, { title: "Blocks" }, h(Chain, { blocks: workflow.blocks, details: true })) : null,
    h(
      Section,
      { title: "Settings and state" },
      h(Facts, {
        items: [
          ["DAG", h(DagLink, { workflow })],
          ["Runs", h(Schedule, { workflow })],
          ["Audience", workflow.audience ?? "–"],
          ["Codes", h(Stock, { workflow })],
          ["Transport", workflow.transport ?? "–"],
          ["Last run", h(LastRun, { line: workflow.last })],
          ...(workflow.receivers?.length ? [/** @type {[string, any]} */ (["Receivers", workflow.receivers.join(", ")])] : []),
        ],
      }),
    ),
    workflow.coming?.length ? h(Coming, { coming: workflow.coming }) : null,
  );

/** @param {{coming: NonNullable<Workflow["coming"]>}} props */
const Coming = ({ coming }) =>
  h(
    Section,
    { title: "Codes for the coming runs", note: "Each is taken to need as many codes as the last run gave out." },
    h(DataTable, {
      label: "Codes for the coming runs",
      rows: coming,
      rowKey: (row) => row.at,
      columns: [
        { header: "Run", cell: (row) => h(Time, { at: row.at }) },
        { header: "Needs", cell: (row) => count(row.wanted), numeric: true },
        { header: "Free by then", cell: (row) => count(row.free), numeric: true },
        {
          header: "Short",
          cell: (row) => (row.short ? h(C.Text, { as: "span", color: "danger.fg", fontWeight: "bold" }, count(row.short)) : "none"),
          numeric: true,
        },
      ],
    }),
  );
