/** The blocks of a workflow in their order, as a chain that wraps where the screen is narrow. */

import { Chakra as C } from "../../airflow_page.js";
import { Glyph, h } from "../../kit.js";

/** @import { IconName } from "../../kit/element.js" */
/** @import { Block } from "../../workflow_types.js" */

/** @type {Record<string, {icon: IconName, palette: string}>} */
const KINDS = {
  start: { icon: "play", palette: "gray" },
  events: { icon: "clock", palette: "gray" },
  contact: { icon: "person", palette: "blue" },
  code: { icon: "ticket", palette: "purple" },
  approve: { icon: "check", palette: "orange" },
  message: { icon: "send", palette: "green" },
  source: { icon: "out", palette: "teal" },
  end: { icon: "stop", palette: "gray" },
  other: { icon: "play", palette: "gray" },
};
/** Parts of the names under which the routes know a kind of block, in the order in which they are looked for. */
const WORDS = /** @type {const} */ ([
  ["data_source", "source"],
  ["data source", "source"],
  ["approv", "approve"],
  ["code", "code"],
  ["contact", "contact"],
  ["message", "message"],
  ["event", "events"],
  ["start", "start"],
  ["end", "end"],
]);

function lookOf(/** @type {Block} */ { kind, name }) {
  const said = `${kind} ${name}`.toLowerCase();
  return KINDS[kind] ?? KINDS[WORDS.find(([word]) => said.includes(word))?.[1] ?? "start"];
}

/** @param {{blocks: Block[], details?: boolean}} props */
export const Chain = ({ blocks, details = false }) =>
  h(
    C.Flex,
    { as: "ol", "aria-label": "Blocks", listStyle: "none", wrap: "wrap", gap: 1, p: 0, m: 0, align: details ? "stretch" : "center" },
    blocks.map((block, place) => h(Link, { key: place, block, details, isLast: place === blocks.length - 1 })),
  );

/** @param {{block: Block, details: boolean, isLast: boolean}} props */
function Link({ block, details, isLast }) {
  const { icon, palette } = lookOf(block);
  return h(
    C.Flex,
    { as: "li", align: "center", gap: 1, minW: 0 },
    h(
      C.HStack,
      {
        gap: 2,
        px: 2,
        py: 1,
        minW: 0,
        height: details ? "100%" : undefined,
        borderWidth: 1,
        borderRadius: "md",
        bg: "bg.panel",
        title: details ? undefined : (block.detail ?? undefined),
      },
      h(
        C.Center,
        { colorPalette: palette, bg: "colorPalette.subtle", color: "colorPalette.fg", boxSize: 6, borderRadius: "sm", flexShrink: 0 },
        h(Glyph, { name: icon, size: 3 }),
      ),
      h(
        C.Box,
        { minW: 0 },
        h(C.Text, { fontSize: "sm", fontWeight: "medium", overflowWrap: "anywhere", lineHeight: 1.3 }, block.name),
        details && block.detail ? h(C.Text, { fontSize: "xs", color: "fg.muted", overflowWrap: "anywhere" }, block.detail) : null,
      ),
    ),
    isLast ? null : h(C.Box, { "aria-hidden": true, color: "fg.subtle", flexShrink: 0 }, h(Glyph, { name: "next", size: 3 })),
  );
}
