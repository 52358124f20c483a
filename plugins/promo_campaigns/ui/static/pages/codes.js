/** Codes: the stock and how long it lasts, new files, and what became of those before. */

import { Chakra as C, Router } from "../airflow_page.js";
import { path } from "../api.js";
import {
  Choice,
  count,
  counted,
  DataTable,
  duration,
  Empty,
  Glyph,
  Go,
  h,
  Mark,
  Page,
  PagedTable,
  percent,
  Section,
  Shown,
  Time,
} from "../kit.js";
import { useMe } from "../shell.js";
import { useKept, useRoute } from "../store.js";
import { BurnDown } from "./burn_down.js";
import { CodeFilePage } from "./code_file.js";
import { DROP_ZONE, Uploads } from "./uploads.js";

/** @import { CodeFile, Stock } from "../types.js" */

const STOCK_MS = 15_000;

export const CodesPage = () =>
  h(
    Router.Routes,
    null,
    h(Router.Route, { index: true, element: h(CodesHome) }),
    h(Router.Route, { path: "files/:fileId", element: h(CodeFilePage) }),
  );

function CodesHome() {
  const { rights } = useMe();
  const stock = useRoute("codes/stock", {}, { every: STOCK_MS });
  return h(
    Page,
    { title: "Codes", actions: rights.export ? h(AddButton) : undefined },
    h(
      Section,
      { title: "Stock" },
      h(Shown, { loaded: stock, what: "The stock", children: (rows) => h(StockTable, { rows }) }),
    ),
    stock.data?.length ? h(Burning, { rows: stock.data }) : null,
    rights.export ? h(Uploads) : null,
    h(Section, { title: "Files" }, h(Files)),
  );
}

/** The way to the drop zone, which may lie below the screen. */
const AddButton = () =>
  h(
    C.Button,
    { size: "sm", colorPalette: "brand", onClick: () => document.getElementById(DROP_ZONE)?.focus() },
    h(Glyph, { name: "upload" }),
    "Add codes",
  );

const name = (/** @type {{type: string, discount: number}} */ { type, discount }) => `${type} ${discount} %`;
const keyOf = (/** @type {Stock} */ row) => `${row.type} ${row.discount}`;

const StockTable = (/** @type {{rows: Stock[]}} */ { rows }) =>
  h(DataTable, {
    label: "Stock by type and discount",
    rows,
    rowKey: keyOf,
    columns: STOCK,
    empty: h(
      Empty,
      { title: "No codes yet" },
      "Drop a file with codes below. The stock appears here once it is loaded.",
    ),
  });

/** @type {import("../kit/table.js").Column[]} */
const STOCK = [
  { header: "Codes", long: true, cell: (row) => h(KindOfCodes, { row }) },
  { header: "Free", numeric: true, cell: (row) => h(Free, { row }) },
  { header: "Lasts", cell: (row) => h(Lasts, { row }) },
  { header: "Expire in 7 days", numeric: true, from: "md", cell: (row) => h(Expiring, { row, days: "7" }) },
  { header: "In 30 days", numeric: true, from: "lg", cell: (row) => h(Expiring, { row, days: "30" }) },
  { header: "Reserved by open runs", numeric: true, from: "md", cell: (row) => count(row.reserved) },
  { header: "Given out", numeric: true, from: "sm", cell: (row) => count(row.issued) },
  { header: "Expired", numeric: true, from: "xl", cell: (row) => count(row.expired) },
  { header: "Retired", numeric: true, from: "lg", cell: (row) => count(row.retired) },
  { header: "Level", from: "sm", cell: (row) => h(LevelMark, { row }) },
];

const KindOfCodes = (/** @type {{row: Stock}} */ { row }) =>
  h(
    C.Stack,
    { gap: 1, align: "flex-start" },
    h(C.Box, { fontWeight: "medium" }, name(row)),
    row.values?.length
      ? h(
          C.Text,
          { fontSize: "xs", color: "fg.muted" },
          row.values.map((value) => `${value.attributes}: ${count(value.free)}`).join("; "),
        )
      : null,
    h(C.Box, { hideFrom: "sm" }, h(LevelMark, { row })),
  );

const Free = (/** @type {{row: Stock}} */ { row }) =>
  h(
    C.Stack,
    { gap: 0, align: "flex-end" },
    h(C.Box, { fontWeight: "bold" }, count(row.free)),
    row.reserved
      ? h(C.Text, { fontSize: "xs", color: "fg.muted", hideBelow: "sm" }, `${count(row.reserved)} reserved`)
      : null,
  );

const Lasts = (/** @type {{row: Stock}} */ { row }) => {
  if (row.days_left === null || row.days_left === undefined) return h(C.Text, { color: "fg.muted" }, "–");
  const text = row.days_left < 1 ? duration(row.days_left * 86_400) : counted(Math.floor(row.days_left), "day");
  return h(
    C.Stack,
    { gap: 0 },
    h(C.Box, { whiteSpace: "nowrap" }, text),
    row.per_day
      ? h(
          C.Text,
          { fontSize: "xs", color: "fg.muted", whiteSpace: "nowrap", hideBelow: "sm" },
          row.per_day < 1 ? "at less than 1 a day" : `at ${count(Math.round(row.per_day))} a day`,
        )
      : null,
  );
};

const Expiring = (/** @type {{row: Stock, days: string}} */ { row, days }) => {
  const number = row.expiring?.[days] ?? 0;
  return number ? h(C.Box, { as: "span", title: `${percent(number, row.free)} of the free ones` }, count(number)) : "0";
};

function LevelMark(/** @type {{row: Stock}} */ { row }) {
  if (row.free === 0) return h(Mark, { word: "none left", palette: "failed" });
  if (!row.level) return h(C.Text, { color: "fg.muted" }, "none set");
  const { amount, reached } = row.level;
  return reached
    ? h(Mark, {
        word: `below ${count(amount)}`,
        palette: "warning",
        says: `Fewer than ${count(amount)} codes are free.`,
      })
    : h(Mark, { word: "enough", palette: "success", says: `An alarm is raised below ${count(amount)}.` });
}

function Burning(/** @type {{rows: Stock[]}} */ { rows }) {
  const [chosen, setChosen] = useKept("burn-down of", "");
  const row = rows.find((one) => keyOf(one) === chosen) ?? rows[0];
  const options = rows.map((one) => ({ value: keyOf(one), label: name(one) }));
  return h(
    Section,
    { title: "How fast they go" },
    rows.length > 1 ? h(Choice, { label: "Codes", value: keyOf(row), options, onChange: setChosen }) : null,
    h(BurnDown, { key: keyOf(row), stock: row, name: name(row) }),
  );
}

const Files = () =>
  h(PagedTable, {
    route: "codes/files",
    params: { limit: 20 },
    watching: { every: STOCK_MS },
    label: "Code files",
    rowKey: (/** @type {CodeFile} */ file) => file.code_file_id,
    columns: FILES,
    empty: h(Empty, { title: "No file was loaded yet" }),
  });

/** @type {import("../kit/table.js").Column[]} */
const FILES = [
  {
    header: "File",
    long: true,
    cell: (file) =>
      h(
        C.Box,
        { overflowWrap: "anywhere" },
        h(Go, { to: `/plugin/promo/codes/files/${path(file.code_file_id)}` }, file.name),
      ),
  },
  { header: "Rows", numeric: true, from: "sm", cell: (file) => count(file.rows) },
  { header: "New", numeric: true, from: "sm", cell: (file) => count(file.inserted) },
  { header: "Updated", numeric: true, from: "lg", cell: (file) => count(file.updated) },
  { header: "Unchanged", numeric: true, from: "lg", cell: (file) => count(file.unchanged) },
  {
    header: "Rejected",
    numeric: true,
    cell: (file) =>
      file.rejected ? h(C.Badge, { colorPalette: "warning", variant: "subtle" }, count(file.rejected)) : "0",
  },
  { header: "Loaded", from: "md", cell: (file) => h(Time, { at: file.loaded_at }) },
  { header: "State", from: "sm", cell: (file) => h(FileMark, { file }) },
];

const FileMark = (/** @type {{file: CodeFile}} */ { file }) =>
  file.withdrawn_at
    ? h(Mark, { word: "withdrawn", palette: "removed" })
    : h(Mark, { word: "loaded", palette: "success" });
