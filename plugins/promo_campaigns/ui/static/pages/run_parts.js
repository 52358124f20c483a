/** How a run's numbers are drawn: the bar by state with its key, and the funnel. */

import { Chakra as C } from "../airflow_page.js";
import { CONTACTS, count, h, percent } from "../kit.js";

/** @import { RunLine } from "../types.js" */

const ORDER = Object.keys(CONTACTS);

/** How a state is painted: what is done is full, who waits is an empty track, who is left out is hatched. */
const paint = (/** @type {string} */ state) => {
  if (state === "pending") return { bg: "border.emphasized", opacity: 0.6 };
  if (state === "skipped")
    return { backgroundImage: "repeating-linear-gradient(135deg, {colors.fg.muted} 0 2px, transparent 2px 6px)" };
  return { colorPalette: CONTACTS[state].palette, bg: "colorPalette.solid" };
};

/** The states that a line of a list tells apart. @returns {Record<string, number>} */
export const lineStates = (/** @type {RunLine} */ line) => ({
  recorded: line.recorded,
  accepted: Math.max(0, line.sent - line.recorded),
  pending: line.waiting,
  unknown: line.unknown,
  rejected: line.failed,
  skipped: line.skipped,
});

/** @param {{states: Record<string, number>, small?: boolean}} props */
export function StateBar({ states, small = false }) {
  const present = ORDER.filter((state) => states[state] > 0);
  const all = present.reduce((sum, state) => sum + states[state], 0);
  const text = present.map((state) => `${CONTACTS[state].word} ${count(states[state])}`).join(", ") || "nobody yet";
  return h(
    C.Flex,
    {
      role: "img",
      "aria-label": text,
      title: text,
      height: small ? 2 : 5,
      borderRadius: "full",
      overflow: "hidden",
      bg: "bg.subtle",
      borderWidth: 1,
      gap: "1px",
    },
    present.map((state) =>
      h(C.Box, {
        key: state,
        ...paint(state),
        width: `${(100 * states[state]) / all}%`,
        minW: "3px",
        transition: "width 0.6s",
      }),
    ),
  );
}

/** What the bar's colours mean, with the numbers; a press on one shows those contacts. */
export const StateKey = (
  /** @type {{states: Record<string, number>, chosen: string, choose: (state: string) => void}} */ {
    states,
    chosen,
    choose,
  },
) => {
  const all = ORDER.reduce((sum, state) => sum + (states[state] ?? 0), 0);
  return h(
    C.Flex,
    { wrap: "wrap", gap: 2, role: "group", "aria-label": "People by state" },
    ORDER.filter((state) => states[state] > 0).map((state) =>
      h(
        C.Button,
        {
          key: state,
          size: "xs",
          height: 7,
          variant: chosen === state ? "subtle" : "outline",
          "aria-pressed": chosen === state,
          title: CONTACTS[state].says,
          onClick: () => choose(chosen === state ? "" : state),
        },
        h(C.Box, { as: "span", "aria-hidden": true, boxSize: "10px", borderRadius: "full", ...paint(state) }),
        CONTACTS[state].word,
        h(C.Box, { as: "span", fontVariantNumeric: "tabular-nums", fontWeight: "bold" }, count(states[state])),
        h(
          C.Box,
          { as: "span", color: "fg.muted", display: { base: "none", sm: "inline" } },
          percent(states[state], all),
        ),
      ),
    ),
  );
};

/** @type {Record<string, string>} what each step of the funnel is */
const STEPS = {
  audience: "In the audience",
  reachable: "Can be reached",
  given: "Got a code",
  accepted: "Message accepted",
  fallback: "Fallback code",
  recorded: "On the profile",
  redeemed: "Redeemed",
};

/** Each step as a bar as long as its part of the audience. */
export function Funnel(/** @type {{steps: {name: string, count: number}[]}} */ { steps }) {
  const whole = Math.max(1, ...steps.map((step) => step.count));
  return h(
    C.Stack,
    { as: "ol", gap: 2, listStyleType: "none" },
    steps.map((step) =>
      h(
        C.Grid,
        {
          as: "li",
          key: step.name,
          templateColumns: { base: "minmax(0, 1fr) auto", sm: "150px minmax(0, 1fr) 130px" },
          columnGap: 3,
          alignItems: "center",
        },
        h(C.Text, { fontSize: "sm" }, STEPS[step.name] ?? step.name),
        h(
          C.Box,
          {
            "aria-hidden": true,
            gridRow: { base: 2, sm: "auto" },
            gridColumn: { base: "1 / -1", sm: "auto" },
            bg: "bg.muted",
            borderRadius: "sm",
            overflow: "hidden",
          },
          h(C.Box, {
            height: { base: 3, sm: 5 },
            width: `${(100 * step.count) / whole}%`,
            minW: step.count ? "2px" : 0,
            bg: "brand.solid",
            transition: "width 0.6s",
          }),
        ),
        h(
          C.Text,
          { fontSize: "sm", textAlign: "end", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
          count(step.count),
          h(C.Box, { as: "span", color: "fg.muted", ms: 2 }, percent(step.count, whole)),
        ),
      ),
    ),
  );
}
