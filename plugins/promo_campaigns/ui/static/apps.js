/** The components that Airflow shows, under the names that ui/registration.py gives them. */

import { h, Notice } from "./kit.js";
import { pages } from "./pages.js";
import { Root, Shell } from "./shell.js";

/** @typedef {{dagId?: string, runId?: string}} Place where in Airflow the component stands */

/** @type {Record<string, (place: Place) => import("react").ReactNode>} */
export const apps = {
  Promo: () => h(Shell, { pages }),
  "Promo runs": () => h(Root, null, h(Notice, { status: "info", title: "The runs of this DAG stand under Promo" })),
  "Promo run": () => h(Root, null, h(Notice, { status: "info", title: "The run stands under Promo" })),
  "Promo strip": () => null,
};
