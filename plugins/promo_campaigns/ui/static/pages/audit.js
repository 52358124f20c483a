/** The page Audit: who did what, the newest first. */

import { Chakra as C } from "../airflow_page.js";
import { count, Empty, h, Mark, Page, PagedTable, Time } from "../kit.js";

const WATCH_MS = 15_000;

export const AuditPage = () =>
  h(
    Page,
    { title: "Audit" },
    h(C.Text, { color: "fg.muted" }, "What was done to runs, codes and contacts, and by whom. Nothing can be taken out of it here."),
    h(PagedTable, {
      label: "Audit",
      route: "audit",
      watching: { every: WATCH_MS },
      rowKey: (row) => `${row.at} ${row.user} ${row.action} ${row.subject}`,
      empty: h(Empty, { title: "Nothing was done yet" }, "Acts such as pausing a run, revealing a code or erasing a contact are kept here."),
      columns: [
        { header: "When", cell: (row) => h(Time, { at: row.at }) },
        { header: "Who", cell: (row) => h(C.Text, { as: "span", overflowWrap: "anywhere" }, row.user) },
        { header: "Did what", cell: (row) => h(C.Flex, { gap: 1, wrap: "wrap", align: "center" }, row.action, row.revealed ? h(Mark, { word: "codes in full", palette: "warning" }) : null) },
        { header: "To what", cell: (row) => h(C.Text, { as: "span", overflowWrap: "anywhere" }, row.subject), from: "sm" },
        { header: "Why", cell: (row) => h(C.Text, { as: "span", overflowWrap: "anywhere" }, row.reason || "–"), from: "md" },
        { header: "Rows", cell: (row) => (row.rows === null ? "–" : count(row.rows)), numeric: true, from: "lg" },
      ],
    }),
  );
