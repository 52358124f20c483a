/** How an element is made without JSX, and the few icons. */

import { Chakra, React } from "../airflow_page.js";

/**
 * @import { ComponentProps, JSX, JSXElementConstructor, ReactElement } from "react"
 *
 * @typedef {{key?: string | number, "data-testid"?: string}} Always
 *
 * React.createElement whose type checks the names and values of properties, and lets children follow as arguments
 * where a component wants them as a property.
 *
 * @typedef {{
 *   <T extends keyof JSX.IntrinsicElements>(tag: T, props?: ComponentProps<T> | null, ...children: unknown[]): ReactElement,
 *   <P>(type: JSXElementConstructor<P>, props?: (Partial<NoInfer<P>> & Always) | null, ...children: unknown[]): ReactElement,
 * }} Make
 */

export const h = /** @type {Make} */ (/** @type {unknown} */ (React.createElement));

const PATHS = {
  alert: "M12 3 2 20h20L12 3Zm0 7v4m0 3v.01",
  back: "M15 5 8 12l7 7",
  check: "m5 12 5 5L20 7",
  clock: "M12 7v5l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
  download: "M12 4v11m-5-5 5 5 5-5M4 20h16",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12Zm13 0a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z",
  file: "M14 3H6v18h12V7l-4-4Zm0 0v4h4",
  next: "m9 5 7 7-7 7",
  out: "M14 4h6v6m0-6-9 9M18 14v6H4V6h6",
  pause: "M8 5v14M16 5v14",
  person: "M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM4 21c0-4 4-6 8-6s8 2 8 6",
  play: "M7 4v16l13-8L7 4Z",
  search: "m20 20-4.5-4.5M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
  send: "m3 11 18-8-8 18-2-8-8-2Z",
  stop: "M6 6h12v12H6z",
  again: "M20 5v5h-5M4 19v-5h5M19 10a8 8 0 0 0-14-3M5 14a8 8 0 0 0 14 3",
  ticket: "M3 8V6h18v2a4 4 0 0 0 0 8v2H3v-2a4 4 0 0 0 0-8Zm11-2v12",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
};

/** @typedef {keyof typeof PATHS} IconName */

/** A picture beside a text that says the same, so it is hidden from screen readers. */
export const Glyph = (/** @type {{name: IconName, size?: number}} */ { name, size = 4 }) =>
  h(
    Chakra.Icon,
    { boxSize: size, "aria-hidden": true },
    h(
      "svg",
      {
        viewBox: "0 0 24 24",
        fill: "none",
        stroke: "currentColor",
        strokeWidth: 2,
        strokeLinecap: "round",
        strokeLinejoin: "round",
      },
      h("path", { d: PATHS[name] }),
    ),
  );
