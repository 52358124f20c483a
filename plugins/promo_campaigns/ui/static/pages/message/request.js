/** The requests that will be made for a contact, as they will leave, but for what is masked. */

import { Chakra as C } from "../../airflow_page.js";
import { Empty, h, Mark, Section } from "../../kit.js";
import { jsonTokens } from "./json_text.js";
import { Placeheld } from "./placeholder.js";

/** @import { MessageCall } from "../../workflow_types.js" */

const PURPOSES = {
  message: { word: "carries the message", palette: "brand" },
  answer: { word: "asked before the message", palette: "info" },
  profile: { word: "writes the profile afterwards", palette: "success" },
};
const COLOURS = { name: "fg.info", text: "success.fg", value: "purple.fg", mark: "fg.muted" };

/** @param {{requests: MessageCall[], isInbox: boolean, placeholder: string}} props */
export const Requests = ({ requests, isInbox, placeholder }) =>
  h(
    Section,
    { title: "What will be posted", note: "Secrets are masked. The placeholder stands where the code will be." },
    isInbox
      ? h(
          C.Text,
          { fontSize: "sm" },
          "The built-in inbox keeps the message in the store: no request carries it, and nobody is sent anything.",
        )
      : null,
    requests.length ? requests.map((call, place) => h(Call, { key: place, call, placeholder })) : h(Empty, { title: "No request is made" }),
  );

/** @param {{call: MessageCall, placeholder: string}} props */
function Call({ call, placeholder }) {
  const purpose = PURPOSES[call.purpose] ?? { word: call.purpose, palette: "none" };
  return h(
    C.Stack,
    { as: "article", "aria-label": call.name || purpose.word, gap: 2, minW: 0 },
    h(
      C.Flex,
      { gap: 2, wrap: "wrap", align: "center" },
      h(C.Text, { fontWeight: "semibold", overflowWrap: "anywhere" }, call.name || "message"),
      h(Mark, purpose),
    ),
    h(
      C.Flex,
      { gap: 2, align: "baseline", fontFamily: "mono", fontSize: "sm", minW: 0 },
      h(C.Code, { variant: "solid", flexShrink: 0 }, call.method),
      h(C.Text, { as: "span", overflowWrap: "anywhere", minW: 0 }, call.url),
    ),
    h(Headers, { headers: call.headers ?? {} }),
    call.body ? h(Body, { text: call.body, placeholder }) : h(C.Text, { color: "fg.muted", fontSize: "sm" }, "It has no body."),
  );
}

const Headers = (/** @type {{headers: Record<string, string>}} */ { headers }) =>
  Object.keys(headers).length === 0
    ? null
    : h(
        C.Box,
        {
          as: "dl",
          display: "grid",
          gridTemplateColumns: "max-content minmax(0, 1fr)",
          columnGap: 3,
          fontSize: "xs",
          fontFamily: "mono",
          m: 0,
        },
        Object.entries(headers).flatMap(([name, value]) => [
          h(C.Box, { as: "dt", key: `${name} name`, color: "fg.muted" }, name),
          h(C.Box, { as: "dd", key: name, m: 0, overflowWrap: "anywhere" }, value),
        ]),
      );

/** @param {{text: string, placeholder: string}} props */
function Body({ text, placeholder }) {
  const tokens = jsonTokens(text);
  return h(
    C.Box,
    {
      as: "pre",
      tabIndex: 0,
      role: "group",
      "aria-label": "Body of the request",
      bg: "bg.subtle",
      borderWidth: 1,
      borderRadius: "md",
      p: 3,
      m: 0,
      fontFamily: "mono",
      fontSize: "sm",
      maxH: "480px",
      overflow: "auto",
      whiteSpace: "pre-wrap",
      overflowWrap: "anywhere",
    },
    tokens
      ? tokens.map((token, place) =>
          h(C.Box, { as: "span", key: place, color: COLOURS[token.kind] }, h(Placeheld, { text: token.text, placeholder })),
        )
      : h(Placeheld, { text, placeholder }),
  );
}
