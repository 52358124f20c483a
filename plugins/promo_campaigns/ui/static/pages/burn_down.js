/** The burn-down of a kind of codes: a chart, and the same numbers as a table. */

import { Chakra as C } from "../airflow_page.js";
import { count, counted, DataTable, dayText, Empty, h, Shown } from "../kit.js";
import { useKept, useRoute } from "../store.js";

/** @import { BurnDay, Stock } from "../types.js" */

const WIDTH = 1000;
const HEIGHT = 100;
const STROKE = /** @type {const} */ ({ fill: "none", stroke: "fg.info", strokeWidth: 2.5, vectorEffect: "non-scaling-stroke" });
const DAYS = 30;
const AHEAD = 14;

export function BurnDown(/** @type {{stock: Stock, name: string}} */ { stock, name }) {
  const loaded = useRoute("codes/burn", { type: stock.type, discount: stock.discount, days: DAYS });
  return h(Shown, {
    loaded,
    what: "The burn-down",
    children: (/** @type {BurnDay[]} */ days) =>
      days.length < 2
        ? h(Empty, { title: "Too little is known yet" }, "A line appears once codes were given out on two days.")
        : h(Drawn, { days, stock, name }),
  });
}

function Drawn(/** @type {{days: BurnDay[], stock: Stock, name: string}} */ { days, stock, name }) {
  const [table, setTable] = useKept("burn-down as a table", false);
  const line = days.some((day) => day.free !== undefined);
  const text = sentence(days, stock, name);
  return h(
    C.Stack,
    { gap: 3 },
    h(C.Text, null, text),
    table ? h(DaysTable, { days, line }) : line ? h(FreeChart, { days, stock, text }) : h(GivenChart, { days, text }),
    h(C.Button, { size: "xs", variant: "outline", alignSelf: "flex-start", onClick: () => setTable(!table) }, table ? "Show as a chart" : "Show as a table"),
  );
}

/** What the chart shows, in words. */
function sentence(/** @type {BurnDay[]} */ days, /** @type {Stock} */ stock, /** @type {string} */ name) {
  const given = days.reduce((sum, day) => sum + (day.given ?? 0), 0);
  const spent = given ? ` ${counted(given, "code was", "codes were")} given out in ${days.length} days.` : "";
  const left = stock.days_left === null || stock.days_left === undefined ? "" : ` At this rate they last ${counted(Math.floor(stock.days_left), "day")}.`;
  return `${name}: ${counted(stock.free, "code is", "codes are")} free.${spent}${left}`;
}

/** A round number that is not below the largest. */
function ceiling(/** @type {number} */ largest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, largest)));
  return Math.max(1, [1, 2, 2.5, 5, 10].map((step) => step * power).find((round) => round >= largest) ?? largest);
}

const across = (/** @type {number} */ index, /** @type {number} */ all) => (WIDTH * index) / Math.max(1, all);
const up = (/** @type {number} */ value, /** @type {number} */ top) => HEIGHT - (HEIGHT * value) / top;

/** The stock of each day as an area, and how it goes on at the present rate as a dashed line. */
function FreeChart(/** @type {{days: BurnDay[], stock: Stock, text: string}} */ { days, stock, text }) {
  const top = ceiling(Math.max(...days.map((day) => day.free ?? 0)));
  const last = days.length - 1;
  const ahead = stock.per_day ? Math.ceil(Math.min(AHEAD, stock.days_left ?? AHEAD)) : 0;
  const all = last + ahead;
  const line = days.map((day, index) => `${across(index, all)},${up(day.free ?? 0, top)}`).join(" ");
  const now = days[last].free ?? 0;
  const then = Math.max(0, now - ahead * (stock.per_day ?? 0));
  const marks = [mark(days, 0, all), { left: last / all, text: "today" }];
  return h(
    Frame,
    { text, top, marks: ahead > 6 ? [...marks, { left: 1, text: `+${ahead} days`, wide: true }] : marks },
    h(C.chakra.polygon, { fill: "fg.info", opacity: 0.12, points: `0,${HEIGHT} ${line} ${across(last, all)},${HEIGHT}` }),
    h(C.chakra.polyline, { ...STROKE, points: line }),
    ahead ? h(C.chakra.line, { ...STROKE, strokeDasharray: "6 5", x1: across(last, all), y1: up(now, top), x2: WIDTH, y2: up(then, top) }) : null,
  );
}

/** How many were given out on each day, as bars. */
function GivenChart(/** @type {{days: BurnDay[], text: string}} */ { days, text }) {
  const top = ceiling(Math.max(...days.map((day) => day.given ?? 0)));
  const all = days.length;
  return h(
    Frame,
    { text, top, marks: [mark(days, 0, all), { left: (all - 0.5) / all, text: "today" }] },
    days.map((day, index) =>
      h(C.chakra.rect, {
        key: day.day,
        fill: "fg.info",
        x: across(index + 0.15, all),
        width: across(0.7, all),
        y: up(day.given ?? 0, top),
        height: HEIGHT - up(day.given ?? 0, top),
      }),
    ),
  );
}

/** @typedef {{left: number, text: string, wide?: boolean}} AxisMark where along the axis, as a part of it; whether it needs a wide page */

/** @returns {AxisMark} */
const mark = (/** @type {BurnDay[]} */ days, /** @type {number} */ index, /** @type {number} */ all) => ({
  left: index / all,
  text: dayText(days[index].day).slice(5),
});

/**
 * The drawing stretches to the width there is; the texts stand beside it, so that they stay as large as all others.
 *
 * @param {{text: string, top: number, marks: AxisMark[], children?: import("react").ReactNode}} props
 */
const Frame = ({ text, top, marks, children }) =>
  h(
    C.Grid,
    { templateColumns: "auto minmax(0, 1fr)", columnGap: 2, rowGap: 1, maxW: "960px", fontSize: "xs", color: "fg.muted" },
    h(
      C.Flex,
      { direction: "column", justify: "space-between", textAlign: "end", "aria-hidden": true, my: "-0.6em" },
      [1, 0.5, 0].map((part) => h(C.Box, { key: part, as: "span" }, count(Math.round(part * top)))),
    ),
    h(
      C.chakra.svg,
      { role: "img", "aria-label": text, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", width: "100%", height: "220px", overflow: "visible" },
      [0, 0.5, 1].map((part) =>
        h(C.chakra.line, { key: part, stroke: "border.emphasized", vectorEffect: "non-scaling-stroke", x1: 0, x2: WIDTH, y1: up(part * top, top), y2: up(part * top, top) }),
      ),
      children,
    ),
    h("span", null),
    h(
      C.Box,
      { position: "relative", height: "1.5em", "aria-hidden": true },
      marks.map(({ left, text: word, wide }) =>
        h(
          C.Box,
          { key: word, as: "span", hideBelow: wide ? "sm" : undefined, position: "absolute", left: `${100 * left}%`, transform: `translateX(${left > 0.9 ? -100 : left > 0.1 ? -50 : 0}%)`, whiteSpace: "nowrap" },
          word,
        ),
      ),
    ),
  );

const DaysTable = (/** @type {{days: BurnDay[], line: boolean}} */ { days, line }) =>
  h(DataTable, {
    label: "Burn-down by day",
    rows: [...days].reverse(),
    rowKey: (day) => day.day,
    columns: [
      { header: "Day", cell: (day) => dayText(day.day) },
      ...(line ? [{ header: "Free", numeric: true, cell: (/** @type {BurnDay} */ day) => count(day.free) }] : []),
      ...(days.some((day) => day.given !== undefined)
        ? [{ header: "Given out", numeric: true, cell: (/** @type {BurnDay} */ day) => count(day.given) }]
        : []),
    ],
  });
