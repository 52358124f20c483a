/** The page Runs. */

import { Empty, h, Page } from "../kit.js";

export const RunsPage = () => h(Page, { title: "Runs" }, h(Empty, { title: "Nothing yet" }));
