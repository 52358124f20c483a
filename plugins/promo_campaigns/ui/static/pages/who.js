/** The page Who got which. */

import { Empty, h, Page } from "../kit.js";

export const WhoPage = () => h(Page, { title: "Who got which" }, h(Empty, { title: "Nothing yet" }));
