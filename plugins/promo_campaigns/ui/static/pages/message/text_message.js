/** A text message as a phone shows it, with its segments counted. */

import { Chakra as C } from "../../airflow_page.js";
import { count, Figure, Glyph, h } from "../../kit.js";
import { Phone } from "./phone.js";
import { Placeheld } from "./placeholder.js";

/** @import { Drawn, Segments } from "../../workflow_types.js" */

const ROOM = {
  "GSM-7": "160 characters fit into one segment, 153 into each of several.",
  "UCS-2": "A character outside the GSM alphabet makes it UCS-2: 70 characters fit into one segment, 67 into each of several.",
};

/** @param {Drawn & {sender: string}} props */
export const TextMessage = ({ body, segments, placeholder, sender }) =>
  h(
    C.Flex,
    { gap: 6, wrap: "wrap", justify: "center", align: "flex-start" },
    h(
      Phone,
      { system: "ios", label: "Text message" },
      h(Sender, { name: sender }),
      h(
        C.Stack,
        { px: 3, py: 4, gap: 1, flex: 1, minH: 0, overflowY: "auto", tabIndex: 0, role: "group", "aria-label": "Messages" },
        h(C.Text, { textAlign: "center", fontSize: "xs", color: "fg.muted", "aria-hidden": true }, "Today 9:41"),
        h(Bubble, { text: body, placeholder }),
      ),
    ),
    segments ? h(Counts, { segments }) : null,
  );

const Sender = (/** @type {{name: string}} */ { name }) =>
  h(
    C.Stack,
    { align: "center", gap: 1, py: 2, borderBottomWidth: 1, bg: "bg.subtle", flexShrink: 0 },
    h(
      C.Center,
      { "aria-hidden": true, boxSize: "40px", borderRadius: "full", bg: "bg.emphasized", color: "fg.muted" },
      h(Glyph, { name: "person" }),
    ),
    h(C.Text, { fontSize: "xs" }, name),
  );

const Bubble = (/** @type {{text: string, placeholder: string}} */ { text, placeholder }) =>
  h(
    C.Box,
    {
      alignSelf: "flex-start",
      maxW: "85%",
      bg: "bg.emphasized",
      color: "fg",
      borderRadius: "18px",
      borderBottomStartRadius: "4px",
      px: 3,
      py: 2,
      fontSize: "15px",
      lineHeight: 1.35,
      whiteSpace: "pre-wrap",
      overflowWrap: "anywhere",
    },
    h(Placeheld, { text, placeholder }),
  );

const Counts = (/** @type {{segments: Segments}} */ { segments }) =>
  h(
    C.Stack,
    { gap: 3, width: "240px", maxW: "100%" },
    h(Figure, { name: "segments", value: segments.count, note: "Each is charged as a message of its own." }),
    h(Figure, { name: "characters", value: segments.characters, note: `${count(segments.room)} more would fit into the last segment.` }),
    h(Figure, { name: "encoding", value: segments.encoding, note: ROOM[/** @type {keyof typeof ROOM} */ (segments.encoding)] }),
    segments.strange ? h(C.Text, { fontSize: "sm" }, "Not in the GSM alphabet: ", h(C.Code, null, segments.strange)) : null,
    segments.count > 1
      ? h(C.Text, { fontSize: "sm", color: "fg.muted" }, `The phone puts the ${count(segments.count)} segments together again.`)
      : null,
  );
