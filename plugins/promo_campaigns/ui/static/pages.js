/** The pages, in the order of their tabs. */

import { CodesPage } from "./pages/codes.js";
import { RunsPage } from "./pages/runs.js";
import { WhoPage } from "./pages/who.js";

/** @import { PageEntry } from "./shell.js" */

/** @type {PageEntry[]} */
export const pages = [
  { path: "runs", label: "Runs", element: RunsPage },
  { path: "codes", label: "Codes", element: CodesPage },
  { path: "who", label: "Who got which", element: WhoPage },
];
