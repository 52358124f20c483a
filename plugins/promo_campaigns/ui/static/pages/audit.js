/** The page Audit: who did what, the newest first. */

import { Chakra as C } from "../airflow_page.js";
import { count, Empty, h, Mark, Page, PagedTable, Time } from "../kit.js";

/** @import { AuditEntry } from "../workflow_types.js" */

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
      empty: h(
        Empty,
        { title: "Nothing was done yet" },
        "Acts such as pausing a run, revealing a code or erasing a contact are kept here.",
      ),
      columns: [
        { header: "Did what", long: true, cell: (row) => h(Deed, { row }) },
        { header: "Who", long: true, cell: (row) => row.user },
        { header: "When", cell: (row) => h(Time, { at: row.at }) },
        { header: "Why", long: true, cell: (row) => row.reason || "–", from: "md" },
        { header: "Rows", cell: (row) => (row.rows === null ? "–" : count(row.rows)), numeric: true, from: "lg" },
      ],
    }),
  );

/** @param {{row: AuditEntry}} props */
const Deed = ({ row }) =>
  h(
    C.Box,
    { minW: "130px" },
    h(
      C.Flex,
      { gap: 2, wrap: "wrap", align: "center" },
      h(C.Text, { as: "span", fontWeight: "medium" }, row.action),
      row.revealed ? h(Mark, { word: "codes in full", palette: "warning" }) : null,
    ),
    h(C.Text, { fontSize: "sm", color: "fg.muted", overflowWrap: "anywhere" }, row.subject),
  );
