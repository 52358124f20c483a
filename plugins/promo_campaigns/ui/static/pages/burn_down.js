/** The burn-down of a kind of codes: what was given out by day, how long the rest lasts, and the same as tables. */

import { Chakra as C } from "../airflow_page.js";
import { count, counted, DataTable, dayText, h, Shown } from "../kit.js";
import { useKept, useRoute } from "../store.js";

/** @import { BurnDay, Stock } from "../types.js" */

const WIDTH = 1000;
const HEIGHT = 100;
const STROKE = /** @type {const} */ ({
  fill: "none",
  stroke: "fg.info",
  strokeWidth: 2.5,
  vectorEffect: "non-scaling-stroke",
});
const DAYS = 30;
const DAY_MS = 86_400_000;

export function BurnDown(/** @type {{stock: Stock, name: string}} */ { stock, name }) {
  const loaded = useRoute("codes/burn", { type: stock.type, discount: stock.discount, days: DAYS });
  return h(Shown, {
    loaded,
    what: "The burn-down",
    children: (/** @type {BurnDay[]} */ answer) =>
      h(Drawn, { past: everyDay(answer), coming: outlook(stock), stock, name }),
  });
}

/** The days before now, those on which nothing was given as well. @returns {BurnDay[]} */
function everyDay(/** @type {BurnDay[]} */ known) {
  const given = new Map(known.map((day) => [dayText(day.day), day.given]));
  return Array.from({ length: DAYS }, (_, index) => {
    const day = dayAt(index + 1 - DAYS);
    return { day, given: given.get(day) ?? 0 };
  });
}

const dayAt = (/** @type {number} */ ahead) => new Date(Date.now() + ahead * DAY_MS).toISOString().slice(0, 10);

/** @typedef {{day: string, free: number}} ComingDay */

/**
 * What is left on each coming day if as many go as lately. Codes that run out first are given out first, so by a day
 * either those that were given are gone or those that have expired, whichever are more.
 *
 * @returns {ComingDay[]}
 */
function outlook(/** @type {Stock} */ stock) {
  const expired = (/** @type {number} */ ahead) =>
    (ahead >= 30 ? stock.expiring["30"] : ahead >= 7 ? stock.expiring["7"] : 0) ?? 0;
  return Array.from({ length: DAYS + 1 }, (_, ahead) => ({
    day: dayAt(ahead),
    free: Math.max(0, Math.round(stock.free - Math.max(ahead * (stock.per_day ?? 0), expired(ahead)))),
  }));
}

/** @param {{past: BurnDay[], coming: ComingDay[], stock: Stock, name: string}} props */
function Drawn({ past, coming, stock, name }) {
  const [table, setTable] = useKept("burn-down as a table", false);
  const [given, rest] = sentences(past, coming, stock, name);
  return h(
    C.Stack,
    { gap: 4 },
    h(
      C.SimpleGrid,
      { columns: { base: 1, lg: 2 }, gap: 8 },
      h(Part, { text: given }, table ? h(PastTable, { past }) : h(GivenChart, { past, text: given })),
      h(Part, { text: rest }, table ? h(ComingTable, { coming }) : h(RestChart, { coming, text: rest })),
    ),
    h(
      C.Button,
      { size: "xs", variant: "outline", alignSelf: "flex-start", onClick: () => setTable(!table) },
      table ? "Show as charts" : "Show as tables",
    ),
  );
}

const Part = (/** @type {{text: string, children?: import("react").ReactNode}} */ { text, children }) =>
  h(C.Stack, { gap: 4, minW: 0 }, h(C.Text, null, text), children);

/** What the two charts show, in words. */
function sentences(
  /** @type {BurnDay[]} */ past,
  /** @type {ComingDay[]} */ coming,
  /** @type {Stock} */ stock,
  /** @type {string} */ name,
) {
  const given = past.reduce((sum, day) => sum + day.given, 0);
  const spent = `${name}: ${counted(given, "code was", "codes were")} given out in the last ${DAYS} days.`;
  const free = `${counted(stock.free, "code is", "codes are")} free.`;
  const then = coming[coming.length - 1].free;
  if (!stock.per_day) return [spent, `${free} None went lately, so nobody can say how long they last.`];
  const last = stock.days_left ?? 0;
  return [
    spent,
    last < DAYS
      ? `${free} At this rate they last ${counted(Math.floor(last), "day")}.`
      : `${free} At this rate ${count(then)} are left in ${DAYS} days.`,
  ];
}

/** A round number with a whole half that is not below the largest. */
function ceiling(/** @type {number} */ largest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, largest)));
  return [2, 4, 6, 8, 10, 20].map((step) => step * power).find((round) => round >= largest) ?? largest;
}

const across = (/** @type {number} */ index, /** @type {number} */ all) => (WIDTH * index) / Math.max(1, all);
const up = (/** @type {number} */ value, /** @type {number} */ top) => HEIGHT - (HEIGHT * value) / top;
const shortDay = (/** @type {string} */ day) => day.slice(5);

/** How many were given out on each day, as bars. */
function GivenChart(/** @type {{past: BurnDay[], text: string}} */ { past, text }) {
  const top = ceiling(Math.max(...past.map((day) => day.given)));
  const marks = [
    { left: 0, text: shortDay(past[0].day) },
    { left: 1, text: "today" },
  ];
  return h(
    Frame,
    { text, top, marks },
    past.map((day, index) =>
      h(
        C.chakra.rect,
        {
          key: day.day,
          fill: "fg.info",
          x: across(index + 0.15, DAYS),
          width: across(0.7, DAYS),
          y: up(day.given, top),
          height: HEIGHT - up(day.given, top),
        },
        h("title", null, `${day.day}: ${count(day.given)}`),
      ),
    ),
  );
}

/** What is left on each coming day, as an area below a dashed line: it is reckoned, not known. */
function RestChart(/** @type {{coming: ComingDay[], text: string}} */ { coming, text }) {
  const top = ceiling(coming[0].free);
  const line = coming.map((day, index) => `${across(index, DAYS)},${up(day.free, top)}`).join(" ");
  const marks = [
    { left: 0, text: "today" },
    { left: 1, text: shortDay(coming[DAYS].day) },
  ];
  return h(
    Frame,
    { text, top, marks },
    h(C.chakra.polygon, { fill: "fg.info", opacity: 0.12, points: `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}` }),
    h(C.chakra.polyline, { ...STROKE, strokeDasharray: "6 4", points: line }),
  );
}

/** @typedef {{left: number, text: string}} AxisMark where along the axis, as a part of it */

/**
 * The drawing stretches to the width there is; the texts stand beside it, so that they stay as large as all others.
 *
 * @param {{text: string, top: number, marks: AxisMark[], children?: import("react").ReactNode}} props
 */
const Frame = ({ text, top, marks, children }) =>
  h(
    C.Grid,
    {
      templateColumns: "auto minmax(0, 1fr)",
      columnGap: 2,
      rowGap: 1,
      maxW: "960px",
      fontSize: "xs",
      color: "fg.muted",
    },
    h(
      C.Flex,
      { direction: "column", justify: "space-between", textAlign: "end", "aria-hidden": true, my: "-0.6em" },
      [1, 0.5, 0].map((part) => h(C.Box, { key: part, as: "span" }, count(Math.round(part * top)))),
    ),
    h(
      C.chakra.svg,
      {
        role: "img",
        "aria-label": text,
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        width: "100%",
        height: "220px",
        overflow: "visible",
      },
      [0, 0.5, 1].map((part) =>
        h(C.chakra.line, {
          key: part,
          stroke: "border.emphasized",
          vectorEffect: "non-scaling-stroke",
          x1: 0,
          x2: WIDTH,
          y1: up(part * top, top),
          y2: up(part * top, top),
        }),
      ),
      children,
    ),
    h("span", null),
    h(
      C.Box,
      { position: "relative", height: "1.5em", "aria-hidden": true },
      marks.map(({ left, text: word }) =>
        h(
          C.Box,
          {
            key: word,
            as: "span",
            position: "absolute",
            left: `${100 * left}%`,
            transform: `translateX(${left > 0.9 ? -100 : left > 0.1 ? -50 : 0}%)`,
            whiteSpace: "nowrap",
          },
          word,
        ),
      ),
    ),
  );

const PastTable = (/** @type {{past: BurnDay[]}} */ { past }) =>
  h(DataTable, {
    label: "Given out by day",
    rows: [...past].reverse(),
    rowKey: (day) => day.day,
    columns: [
      { header: "Day", cell: (day) => day.day },
      { header: "Given out", numeric: true, cell: (day) => count(day.given) },
    ],
  });

const ComingTable = (/** @type {{coming: ComingDay[]}} */ { coming }) =>
  h(DataTable, {
    label: "Left by day",
    rows: coming,
    rowKey: (day) => day.day,
    columns: [
      { header: "Day", cell: (day) => day.day },
      { header: "Left", numeric: true, cell: (day) => count(day.free) },
    ],
  });
