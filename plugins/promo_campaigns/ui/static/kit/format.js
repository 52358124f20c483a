/** Numbers in the language, and times in the zone, that the person has chosen in Airflow. */

import { React } from "../airflow_page.js";
import { h } from "./element.js";

const UNITS = /** @type {const} */ ([
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
]);
const BYTES = ["B", "kB", "MB", "GB"];

const language = () => document.documentElement.lang || "en";

export const count = (/** @type {number | null | undefined} */ number) =>
  number === null || number === undefined ? "–" : new Intl.NumberFormat(language()).format(number);

/** A number and its noun: `1 code`, `2 codes`. */
export const counted = (
  /** @type {number} */ number,
  /** @type {string} */ one,
  /** @type {string} */ many = `${one}s`,
) => `${count(number)} ${number === 1 ? one : many}`;

/** How much a part is of a whole: never 0 % of something, never 100 % of less than all. */
export function percent(/** @type {number} */ part, /** @type {number} */ whole) {
  if (!whole || !part) return "0 %";
  if (part >= whole) return "100 %";
  const exact = (100 * part) / whole;
  if (exact < 1) return "< 1 %";
  return `${Math.min(99, Math.round(exact))} %`;
}

export function bytes(/** @type {number} */ size) {
  const power = Math.min(BYTES.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const number = new Intl.NumberFormat(language(), { maximumFractionDigits: power ? 1 : 0 }).format(
    size / 1000 ** power,
  );
  return `${number} ${BYTES[power]}`;
}

/** `1 d 2 h`, `5 min 3 s`: the two largest units. */
export function duration(/** @type {number} */ seconds) {
  let left = Math.max(0, Math.round(seconds));
  if (left === 0) return "0 s";
  const first = UNITS.findIndex(([, size]) => left >= size);
  const parts = UNITS.slice(first, first + 2).map(([unit, size]) => {
    const whole = Math.floor(left / size);
    left -= whole * size;
    return whole ? `${whole} ${unit}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

/** Airflow keeps the zone in the browser, as JSON. */
function zone() {
  try {
    return JSON.parse(localStorage.getItem("timezone") ?? '"UTC"');
  } catch {
    return "UTC";
  }
}

const PARTS = /** @type {const} */ ({
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** A time as Airflow writes it: `2026-03-01 17:05:09`. */
export function timeText(/** @type {string | number | null | undefined} */ at) {
  if (!at) return "–";
  const options = { ...PARTS, hourCycle: /** @type {const} */ ("h23") };
  let parts;
  try {
    parts = new Intl.DateTimeFormat("en", { ...options, timeZone: zone() }).formatToParts(new Date(at));
  } catch {
    parts = new Intl.DateTimeFormat("en", { ...options, timeZone: "UTC" }).formatToParts(new Date(at));
  }
  const part = (/** @type {string} */ type) => parts.find((one) => one.type === type)?.value;
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")}`;
}

/** A day without an hour, such as the last day of a code, which is the same in every zone. */
export const dayText = (/** @type {string | null | undefined} */ day) => (day ? day.slice(0, 10) : "–");

/** `3 min ago`, `in 2 h`. */
export function distance(/** @type {string} */ at) {
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  if (Math.abs(seconds) < 5) return "now";
  const largest = duration(Math.abs(seconds)).split(" ").slice(0, 2).join(" ");
  return seconds > 0 ? `${largest} ago` : `in ${largest}`;
}

const watchZone = (/** @type {() => void} */ told) => {
  window.addEventListener("local-storage", told); // what Airflow's page tells itself when the zone is chosen
  return () => window.removeEventListener("local-storage", told);
};

/** A time in the chosen zone, with how long ago it was. */
export function Time(/** @type {{at: string | null | undefined, relative?: boolean}} */ { at, relative = false }) {
  React.useSyncExternalStore(watchZone, zone);
  if (!at) return "–";
  const text = timeText(at);
  return h(
    "time",
    { dateTime: at, title: relative ? `${text} (${zone()})` : `${distance(at)} (${zone()})` },
    relative ? distance(at) : text,
  );
}
