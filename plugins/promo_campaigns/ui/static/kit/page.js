/** The frame of a page: its heading, its sections, and links within Airflow. */

import { Chakra as C, React, Router } from "../airflow_page.js";
import { path } from "../api.js";
import { Glyph, h } from "./element.js";

/** @import { ReactNode, RefObject } from "react" */

/** A link within Airflow; the router adds the base path. */
export const Go = (/** @type {{to: string, children?: ReactNode, label?: string}} */ { to, children, label }) =>
  h(C.Link, { asChild: true, color: "fg.info" }, h(Router.Link, { to, "aria-label": label }, children));

/** A button that leads somewhere. */
export const GoButton = (/** @type {{to: string, children?: ReactNode}} */ { to, children }) =>
  h(C.Button, { asChild: true, size: "sm", variant: "outline" }, h(Router.Link, { to }, children));

export const toRun = (/** @type {number} */ runId) => `/plugin/promo/runs/${runId}`;
export const toContact = (/** @type {string | number} */ contactId) => `/plugin/promo/who/${path(contactId)}`;
export const toDag = (/** @type {string} */ dagId) => `/dags/${path(dagId)}`;
export const toDagRun = (/** @type {string} */ dagId, /** @type {string} */ runId) =>
  `/dags/${path(dagId)}/runs/${path(runId)}`;

let visited = "";

/** Name the page in the browser's title, and put the focus on its heading after a way within the pages. */
function useArrival(/** @type {string} */ title, /** @type {RefObject<HTMLElement | null>} */ heading) {
  React.useEffect(() => {
    const before = document.title;
    document.title = `${title} · Promo`;
    return () => {
      document.title = before;
    };
  }, [title]);
  React.useEffect(() => {
    const came = visited && visited !== location.pathname;
    visited = location.pathname;
    if (came && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, []);
}

/** @param {{title: string, badge?: ReactNode, back?: {to: string, label: string}, actions?: ReactNode, children?: ReactNode}} props */
export function Page({ title, badge, back, actions, children }) {
  const heading = React.useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useArrival(title, heading);
  return h(
    C.Stack,
    { gap: 5 },
    h(
      C.Stack,
      { gap: 1 },
      back
        ? h(
            C.HStack,
            { gap: 1, fontSize: "sm" },
            h(Glyph, { name: "back", size: 3 }),
            h(Go, { to: back.to }, back.label),
          )
        : null,
      h(
        C.Flex,
        { wrap: "wrap", gap: 3, align: "center", justify: "space-between" },
        h(
          C.Flex,
          { wrap: "wrap", gap: 3, align: "center", minW: 0 },
          h(
            C.Heading,
            { as: "h1", ref: heading, tabIndex: -1, size: "xl", overflowWrap: "anywhere", outline: "none" },
            title,
          ),
          badge ?? null,
        ),
        actions ? h(C.Flex, { wrap: "wrap", gap: 2 }, actions) : null,
      ),
    ),
    children,
  );
}

/** @param {{title: string, actions?: ReactNode, note?: ReactNode, children?: ReactNode}} props */
export function Section({ title, actions, note, children }) {
  const id = React.useId();
  return h(
    C.Box,
    { as: "section", "aria-labelledby": id, borderWidth: 1, borderRadius: "md", overflow: "hidden", minW: 0 },
    h(
      C.Flex,
      {
        bg: "bg.subtle",
        borderBottomWidth: 1,
        px: 4,
        py: 2,
        minH: 12,
        gap: 2,
        wrap: "wrap",
        align: "center",
        justify: "space-between",
      },
      h(C.Heading, { id, as: "h2", size: "sm" }, title),
      actions ? h(C.Flex, { wrap: "wrap", gap: 2 }, actions) : null,
    ),
    h(
      C.Stack,
      { p: { base: 3, sm: 4 }, gap: 4 },
      note ? h(C.Text, { color: "fg.muted", fontSize: "sm" }, note) : null,
      children,
    ),
  );
}

/** A code, masked or revealed, in letters that are told apart. */
export const CodeText = (/** @type {{children?: ReactNode}} */ { children }) =>
  children ? h(C.Code, { variant: "surface", fontFamily: "mono" }, children) : "–";

/** Names with their values. @param {{items: [string, ReactNode][], wide?: boolean}} props */
export const Facts = ({ items, wide = true }) =>
  h(
    C.DataList.Root,
    {
      orientation: "horizontal",
      display: "grid",
      gridTemplateColumns: { base: "minmax(0, 1fr)", md: wide ? "repeat(2, minmax(0, 1fr))" : undefined },
      columnGap: 8,
      rowGap: 2,
    },
    items.map(([name, value]) =>
      h(
        C.DataList.Item,
        { key: name, minW: 0, alignItems: "baseline" },
        h(C.DataList.ItemLabel, { minW: "140px" }, name),
        h(C.DataList.ItemValue, { overflowWrap: "anywhere", minW: 0 }, value),
      ),
    ),
  );
