/** The components that Airflow shows, under the names that ui/registration.py gives them. */

import { h } from "./kit.js";
import { pages } from "./pages.js";
import { Shell } from "./shell.js";
import { DagRunTab, DagTab, StripApp } from "./tabs.js";

/** @import { Place } from "./tabs.js" */

/** @type {Record<string, (place: Place) => import("react").ReactNode>} */
export const apps = {
  Promo: () => h(Shell, { pages }),
  "Promo runs": DagTab,
  "Promo run": DagRunTab,
  "Promo strip": StripApp,
};
