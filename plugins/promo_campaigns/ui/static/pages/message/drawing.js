/** A message drawn for its channel. */

import { Chakra as C } from "../../airflow_page.js";
import { counted, h } from "../../kit.js";
import { useKept } from "../../store.js";
import { Mail } from "./mail.js";
import { PushPhones } from "./push.js";
import { TextMessage } from "./text_message.js";
import { Toggle } from "./toggle.js";

/** @import { Drawn } from "../../workflow_types.js" */

const PUSH = new Set(["mobilepush", "webpush", "push"]);
const FOLDS = [
  { value: "folded", label: "As it arrives" },
  { value: "open", label: "Pulled open" },
];

/**
 * @param {{message: Drawn, channel: string | null, from?: string, to?: string}} props a message without a channel is
 *   shown as a text
 */
export function Drawing({ message, channel, from = "Your sender", to = "the contact" }) {
  if (channel === "email") return h(Mail, { ...message, from, to });
  if (channel && PUSH.has(channel)) return h(Push, { message });
  return h(TextMessage, { ...message, sender: from });
}

/** @param {{message: Drawn}} props */
function Push({ message }) {
  const [fold, setFold] = useKept("fold of the push", "folded");
  return h(
    C.Stack,
    { gap: 4, align: "center" },
    h(Toggle, { label: "How much of it is shown", value: fold, onChange: setFold, options: FOLDS }),
    h(PushPhones, { ...message, open: fold === "open" }),
    h(
      C.Text,
      { fontSize: "sm", color: "fg.muted", textAlign: "center" },
      `Title of ${counted(length(message.title), "character")}, text of ${counted(length(message.body), "character")}.`,
    ),
  );
}

/** Characters as a person counts them: an emoji is one. */
const length = (/** @type {string} */ text) => Array.from(text).length;
