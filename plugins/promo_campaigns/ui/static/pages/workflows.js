/** The page Workflows: what there is, and each with its message, dry run, test send and trigger. */

import { Router } from "../airflow_page.js";
import { h } from "../kit.js";
import { WorkflowList } from "./workflows/list.js";
import { WorkflowPage } from "./workflows/one.js";

export const WorkflowsPage = () =>
  h(
    Router.Routes,
    null,
    h(Router.Route, { index: true, element: h(WorkflowList) }),
    h(Router.Route, { path: ":workflowId/*", element: h(WorkflowPage) }),
  );
