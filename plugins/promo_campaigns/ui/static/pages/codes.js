/** The page Codes. */

import { Empty, h, Page } from "../kit.js";

export const CodesPage = () => h(Page, { title: "Codes" }, h(Empty, { title: "Nothing yet" }));
