/** A code file: what became of its rows, why some were rejected, and its withdrawal. */

import { Chakra as C, React, Router } from "../airflow_page.js";
import { address, path, post } from "../api.js";
import {
  Act,
  count,
  DataTable,
  Empty,
  Figure,
  Glyph,
  h,
  Mark,
  Notice,
  Page,
  PageButtons,
  percent,
  Section,
  Shown,
  Time,
  timeText,
  usePages,
} from "../kit.js";
import { useMe } from "../shell.js";
import { refresh, useRoute } from "../store.js";

/** @import { CodeFile, Reject } from "../types.js" */

const CODES = { to: "/plugin/promo/codes", label: "Codes" };

export function CodeFilePage() {
  const { fileId = "" } = Router.useParams();
  const { rights } = useMe();
  const route = `codes/files/${path(fileId)}`;
  const pages = usePages(route);
  const loaded = useRoute(`${route}/rejects`, { after: pages.after });
  const file = /** @type {CodeFile | undefined} */ (loaded.data?.file);
  return h(
    Page,
    {
      title: file?.name ?? `File ${fileId}`,
      badge: file?.withdrawn_at ? h(Mark, { word: "withdrawn", palette: "removed" }) : undefined,
      back: CODES,
      actions: rights.export ? h(Withdraw, { route, withdrawn: file?.withdrawn_at }) : undefined,
    },
    h(Shown, {
      loaded,
      what: "The file's report",
      children: (answer) => h(Report, { answer, route, pages }),
    }),
  );
}

/** @param {{answer: any, route: string, pages: ReturnType<typeof usePages>}} props */
function Report({ answer, route, pages }) {
  const reasons = Object.entries(/** @type {Record<string, number>} */ (answer.reasons ?? {}));
  return h(
    C.Stack,
    { gap: 4 },
    answer.file ? h(Numbers, { file: answer.file }) : null,
    answer.items.length || reasons.length
      ? h(Rejected, { answer, reasons, route, pages })
      : h(Empty, { title: "No row was rejected" }, "Every code of the file is in the stock."),
  );
}

function Numbers(/** @type {{file: CodeFile}} */ { file }) {
  return h(
    React.Fragment,
    null,
    file.withdrawn_at
      ? h(
          Notice,
          { status: "info", title: `Withdrawn at ${timeText(file.withdrawn_at)}` },
          "Its codes that no contact holds are not given out any more.",
        )
      : null,
    h(
      C.SimpleGrid,
      { columns: { base: 2, md: 5 }, gap: 3 },
      h(Figure, { name: "Rows", value: file.rows, note: h(Time, { at: file.loaded_at }) }),
      h(Figure, { name: "New", value: file.inserted }),
      h(Figure, { name: "Updated", value: file.updated }),
      h(Figure, { name: "Unchanged", value: file.unchanged }),
      h(Figure, { name: "Rejected", value: file.rejected, note: percent(file.rejected, file.rows) }),
    ),
  );
}

/** @param {{answer: any, reasons: [string, number][], route: string, pages: ReturnType<typeof usePages>}} props */
const Rejected = ({ answer, reasons, route, pages }) =>
  h(
    React.Fragment,
    null,
    h(Section, { title: "Why rows were rejected" }, h(ReasonTable, { reasons })),
    h(
      Section,
      { title: "Rejected rows", actions: h(DownloadRejects, { route }) },
      h(DataTable, {
        label: "Rejected rows",
        rows: answer.items,
        rowKey: (row) => `${row.line} ${row.column} ${row.reason}`,
        columns: REJECTS,
      }),
      h(PageButtons, { pages, next: answer.next, label: "rejected rows" }),
    ),
  );

export const ReasonTable = (/** @type {{reasons: [string, number][]}} */ { reasons }) =>
  h(DataTable, {
    label: "Rejects by reason",
    rows: [...reasons].sort(([, one], [, other]) => other - one),
    rowKey: ([reason]) => reason,
    columns: [
      { header: "Reason", long: true, cell: ([reason]) => reason },
      { header: "Rows", numeric: true, cell: ([, number]) => count(number) },
    ],
  });

/** @type {import("../kit/table.js").Column[]} */
const REJECTS = [
  { header: "Line", numeric: true, cell: (/** @type {Reject} */ row) => count(row.line) },
  { header: "Column", cell: (row) => row.column || "–" },
  { header: "Reason", long: true, cell: (row) => row.reason },
];

export const DownloadRejects = (/** @type {{route: string}} */ { route }) =>
  h(
    C.Button,
    { asChild: true, size: "sm", variant: "outline" },
    h(
      "a",
      { href: address(`${route}/rejects.csv`).href, download: "" },
      h(Glyph, { name: "download" }),
      "Download the rejects",
    ),
  );

const Withdraw = (/** @type {{route: string, withdrawn?: string | null}} */ { route, withdrawn }) =>
  withdrawn
    ? null
    : h(Act, {
        label: "Withdraw this file",
        title: "Withdraw this file's codes?",
        verb: "Withdraw",
        done: "The file is withdrawn",
        icon: "stop",
        danger: true,
        reason: "required",
        effectRoute: `${route}/withdraw/effect`,
        act: (reason) => post(`${route}/withdraw`, { reason }),
        onDone: () => refresh("codes", "strip"),
      });
