/** Tables: of rows that are here, and of pages that the store gives one after another. */

import { Chakra as C } from "../airflow_page.js";
import { useKept, useRoute } from "../store.js";
import { h } from "./element.js";
import { Empty, Shown } from "./states.js";

/** @import { ReactNode } from "react" */
/** @import { Params } from "../api.js" */
/** @import { Watching } from "../store.js" */

/**
 * @typedef {object} Column
 * @property {string} header
 * @property {(row: any) => ReactNode} cell
 * @property {boolean} [numeric] aligned at its last digit
 * @property {boolean} [long] a name or a text that may have any length, and is wrapped
 * @property {"sm" | "md" | "lg" | "xl"} [from] left out on narrower screens
 *
 * @typedef {object} TableProps
 * @property {string} label what a screen reader calls the table
 * @property {Column[]} columns
 * @property {any[]} rows
 * @property {(row: any) => string | number} rowKey
 * @property {ReactNode} [empty] in place of a table without rows
 */

/** Tables do not wrap; a text without end would push the other columns out of sight. */
const LONG = {
  minW: "7rem",
  maxW: { base: "11rem", md: "24rem", xl: "40rem" },
  width: "max-content",
  whiteSpace: "normal",
  overflowWrap: "anywhere",
};

const shownFrom = (/** @type {Column["from"]} */ from) => (from ? { base: "none", [from]: "table-cell" } : undefined);
const aligned = (/** @type {boolean | undefined} */ numeric) => (numeric ? /** @type {const} */ ("end") : undefined);

export function DataTable(/** @type {TableProps} */ { label, columns, rows, rowKey, empty }) {
  if (rows.length === 0) return empty ?? h(Empty, { title: "Nothing yet" });
  return h(
    C.Table.ScrollArea,
    {
      borderWidth: 1,
      borderRadius: "md",
      maxW: "100%",
      tabIndex: 0,
      role: "group",
      "aria-label": `${label}, scrolls sideways`,
    },
    h(
      C.Table.Root,
      { size: "sm", "aria-label": label },
      h(C.Table.Header, null, h(C.Table.Row, { bg: "bg.subtle" }, columns.map(heading))),
      h(
        C.Table.Body,
        null,
        rows.map((row) =>
          h(
            C.Table.Row,
            { key: rowKey(row) },
            columns.map((column) => cell(column, row)),
          ),
        ),
      ),
    ),
  );
}

const heading = (/** @type {Column} */ { header, numeric, from }) =>
  h(
    C.Table.ColumnHeader,
    { key: header, scope: "col", textAlign: aligned(numeric), display: shownFrom(from), whiteSpace: "nowrap" },
    header,
  );

const cell = (/** @type {Column} */ { header, cell: content, numeric, long, from }, /** @type {any} */ row) =>
  h(
    C.Table.Cell,
    {
      key: header,
      textAlign: aligned(numeric),
      fontVariantNumeric: numeric ? "tabular-nums" : undefined,
      display: shownFrom(from),
    },
    long ? h(C.Box, LONG, content(row)) : content(row),
  );

/**
 * Where a person is in the pages of a list: the marks of the pages before, kept over remounts.
 *
 * @param {string} name
 */
export function usePages(name) {
  const [marks, setMarks] = useKept(`pages of ${name}`, /** @type {string[]} */ ([]));
  return {
    after: marks.at(-1),
    number: marks.length + 1,
    forward: (/** @type {string} */ next) => setMarks([...marks, next]),
    back: marks.length ? () => setMarks(marks.slice(0, -1)) : undefined,
  };
}

/**
 * A list that the store gives in pages, with buttons for the next and the previous one.
 *
 * @param {Omit<TableProps, "rows"> & {route: string, params?: Params, watching?: Watching, what?: string,
 *   above?: (answer: any) => ReactNode}} props
 */
export function PagedTable({ route, params = {}, watching, what, above, ...table }) {
  const pages = usePages(`${route} ${JSON.stringify(params)}`);
  const loaded = useRoute(route, { ...params, after: pages.after }, watching);
  return h(Shown, {
    loaded,
    what: what ?? table.label,
    children: (answer) =>
      h(
        C.Stack,
        { gap: 3 },
        above?.(answer),
        answer.items.length || !answer.next
          ? h(DataTable, { ...table, rows: answer.items })
          : h(Empty, { title: "None among those looked at so far" }, "The next page looks on."),
        h(PageButtons, { pages, next: answer.next, label: table.label }),
      ),
  });
}

/** @param {{pages: ReturnType<typeof usePages>, next: string | null, label: string}} props */
export function PageButtons({ pages, next, label }) {
  if (!next && !pages.back) return null;
  return h(
    C.HStack,
    { as: "nav", "aria-label": `Pages of ${label}`, justify: "flex-end", gap: 2 },
    h(C.Button, { size: "sm", variant: "outline", disabled: !pages.back, onClick: pages.back }, "Previous"),
    h(C.Text, { color: "fg.muted", fontSize: "sm", "aria-live": "polite" }, `Page ${pages.number}`),
    h(
      C.Button,
      { size: "sm", variant: "outline", disabled: !next, onClick: () => next && pages.forward(next) },
      "Next",
    ),
  );
}
