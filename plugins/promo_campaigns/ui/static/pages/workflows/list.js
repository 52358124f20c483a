/** The workflows as cards. */

import { Chakra as C } from "../../airflow_page.js";
import { path } from "../../api.js";
import { Empty, Go, GoButton, h, Page, Shown } from "../../kit.js";
import { useRoute } from "../../store.js";
import { Chain } from "./chain.js";
import { Badges, DagLink, Findings, LastRun, Schedule, Stock, titleOf } from "./facts.js";

/** @import { ReactNode } from "react" */
/** @import { Workflow } from "../../workflow_types.js" */

const REFRESH_MS = 30_000;

export const toWorkflow = (/** @type {string} */ id, view = "") => `/plugin/promo/workflows/${path(id)}${view ? `/${view}` : ""}`;

export function WorkflowList() {
  const loaded = useRoute("workflows", {}, { every: REFRESH_MS });
  return h(
    Page,
    { title: "Workflows" },
    h(Shown, {
      loaded,
      what: "The list of workflows",
      children: (/** @type {Workflow[]} */ workflows) =>
        workflows.length
          ? h(
              C.Stack,
              { as: "ul", listStyle: "none", gap: 4, p: 0, m: 0 },
              workflows.map((workflow) => h(Card, { key: workflow.dag_id, workflow })),
            )
          : h(
              Empty,
              { title: "There is no workflow yet" },
              "Each file of include/workflows becomes a workflow, and appears here. So does a DAG in Python with the tag promo.",
            ),
    }),
  );
}

/** @param {{workflow: Workflow}} props */
const Card = ({ workflow }) =>
  h(
    C.Stack,
    { as: "li", borderWidth: 1, borderRadius: "md", gap: 0, overflow: "hidden", minW: 0 },
    h(
      C.Flex,
      { bg: "bg.subtle", borderBottomWidth: 1, px: 4, py: 2, gap: 3, wrap: "wrap", align: "center", justify: "space-between" },
      h(
        C.Flex,
        { gap: 3, wrap: "wrap", align: "center", minW: 0 },
        h(C.Heading, { as: "h2", size: "md", overflowWrap: "anywhere" }, h(Go, { to: toWorkflow(workflow.dag_id) }, titleOf(workflow))),
        h(Badges, { workflow }),
      ),
      workflow.blocks.length && workflow.written === "yaml" ? h(Ways, { workflow }) : null,
    ),
    h(
      C.Stack,
      { p: 4, gap: 4 },
      workflow.description ? h(C.Text, { color: "fg.muted" }, workflow.description) : null,
      workflow.faults.length ? h(Findings, { workflow: { ...workflow, notes: [] } }) : null,
      workflow.blocks.length ? h(Chain, { blocks: workflow.blocks }) : null,
      workflow.blocks.length ? h(AtAGlance, { workflow }) : null,
    ),
  );

/** @param {{workflow: Workflow}} props */
const AtAGlance = ({ workflow }) =>
  h(
    C.SimpleGrid,
    { columns: { base: 1, sm: 2, lg: 4 }, gap: 4 },
    h(Cell, { name: "Runs" }, h(Schedule, { workflow })),
    h(Cell, { name: "Codes for the coming runs" }, h(Stock, { workflow })),
    h(Cell, { name: "Last run" }, h(LastRun, { line: workflow.last })),
    h(
      Cell,
      { name: "DAG, audience" },
      h(DagLink, { workflow }),
      workflow.audience ? h(C.Text, { fontSize: "sm", overflowWrap: "anywhere" }, workflow.audience) : null,
    ),
  );

const Cell = (/** @type {{name: string, children?: ReactNode}} */ { name, children }) =>
  h(C.Box, { minW: 0 }, h(C.Text, { fontSize: "xs", color: "fg.muted", mb: 1 }, name), children);

const Ways = (/** @type {{workflow: Workflow}} */ { workflow }) =>
  h(
    C.Flex,
    { gap: 2, wrap: "wrap" },
    h(GoButton, { to: toWorkflow(workflow.dag_id, "message") }, "Message"),
    h(GoButton, { to: toWorkflow(workflow.dag_id, "dry-run") }, "Dry run"),
    h(GoButton, { to: toWorkflow(workflow.dag_id, "test") }, "Test send"),
    h(GoButton, { to: toWorkflow(workflow.dag_id, "trigger") }, "Trigger"),
  );
