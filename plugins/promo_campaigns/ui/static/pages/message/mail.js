/** An e-mail as a window and as a phone show it. */

import { Chakra as C } from "../../airflow_page.js";
import { h } from "../../kit.js";
import { useKept } from "../../store.js";
import { Toggle } from "./toggle.js";
import { Phone, SCREEN_HEIGHT, SCREEN_WIDTH } from "./phone.js";
import { Placeheld } from "./placeholder.js";

/** @import { Drawn } from "../../workflow_types.js" */

/** Mails are made for phones this wide; the frame is drawn smaller. */
const PHONE_CSS_WIDTH = 390;
const SCALE = SCREEN_WIDTH / PHONE_CSS_WIDTH;
const ABOVE = 120;
const FRAME_HEIGHT = Math.round((SCREEN_HEIGHT - ABOVE - 24) / SCALE);
/** Pictures may be shown and styles may apply; everything else that a mail could fetch is refused. */
const POLICY = "default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; font-src https: data:";
/** A link would open in the frame; mails are read on white, in the letters of a mail program unless they say others. */
const HEAD = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="color-scheme" content="light"><base target="_blank"><style>body{font-family:Arial,Helvetica,sans-serif}</style>`;

/** @param {Drawn & {from: string, to: string}} props */
export function Mail(props) {
  const [part, setPart] = useKept("part of the mail", "html");
  const shown = props.html ? part : "text";
  return h(
    C.Stack,
    { gap: 4 },
    props.html
      ? h(Toggle, {
          label: "Part of the mail",
          value: shown,
          onChange: setPart,
          options: [
            { value: "html", label: "HTML" },
            { value: "text", label: "Plain text" },
          ],
        })
      : h(C.Text, { fontSize: "sm", color: "fg.muted" }, "This message has no HTML part: mail programs show the plain text."),
    h(
      C.Flex,
      { gap: 6, wrap: "wrap", justify: "center", align: "flex-start" },
      h(Window, { ...props, part: shown }),
      h(MailPhone, { ...props, part: shown }),
    ),
  );
}

/** @param {Drawn & {from: string, to: string, part: string}} props */
const Window = (props) =>
  h(
    C.Stack,
    { as: "figure", m: 0, gap: 2, flex: "1 1 420px", minW: 0, maxW: "760px" },
    h(
      C.Box,
      { borderWidth: 1, borderRadius: "lg", overflow: "hidden", boxShadow: "md", bg: "bg.panel" },
      h(Lights),
      h(MailHead, props),
      h(Content, { ...props, height: "440px", where: "a window" }),
    ),
    h(C.Box, { as: "figcaption", textAlign: "center", fontSize: "sm", color: "fg.muted" }, "Mail program on a computer"),
  );

const Lights = () =>
  h(
    C.HStack,
    { "aria-hidden": true, px: 3, py: 2, gap: 2, bg: "bg.subtle", borderBottomWidth: 1 },
    ["red.solid", "yellow.solid", "green.solid"].map((bg) => h(C.Box, { key: bg, boxSize: "11px", borderRadius: "full", bg })),
  );

/** @param {Drawn & {from: string, to: string, part: string}} props */
const MailPhone = (props) =>
  h(
    Phone,
    { system: "ios", label: "Mail program on a phone" },
    h(MailHead, { ...props, small: true }),
    props.part === "html"
      ? h(
          C.Box,
          { height: `${Math.round(FRAME_HEIGHT * SCALE)}px`, overflow: "hidden", flexShrink: 0 },
          h(
            C.Box,
            { width: `${PHONE_CSS_WIDTH}px`, transform: `scale(${SCALE})`, transformOrigin: "top left" },
            h(Content, { ...props, height: `${FRAME_HEIGHT}px`, where: "a phone" }),
          ),
        )
      : h(C.Box, { flex: 1, minH: 0 }, h(Content, { ...props, height: "100%", where: "a phone" })),
  );

/** @param {Drawn & {from: string, to: string, small?: boolean}} props */
const MailHead = ({ title, from, to, placeholder, small = false }) =>
  h(
    C.Stack,
    { gap: 2, px: 4, py: 3, borderBottomWidth: 1, minH: small ? `${ABOVE - 40}px` : undefined, flexShrink: 0 },
    h(
      C.Text,
      {
        fontWeight: "semibold",
        fontSize: small ? "md" : "lg",
        lineHeight: 1.25,
        overflowWrap: "anywhere",
        lineClamp: small ? 2 : undefined,
      },
      h(Placeheld, { text: title, placeholder }),
    ),
    h(
      C.HStack,
      { gap: 2, fontSize: "sm", minW: 0 },
      h(
        C.Center,
        {
          "aria-hidden": true,
          boxSize: "30px",
          borderRadius: "full",
          bg: "brand.solid",
          color: "brand.contrast",
          fontWeight: "bold",
          flexShrink: 0,
        },
        from.slice(0, 1).toUpperCase(),
      ),
      h(
        C.Box,
        { minW: 0 },
        h(C.Text, { truncate: true }, from),
        h(C.Text, { color: "fg.muted", fontSize: "xs", truncate: true }, `to ${to}`),
      ),
    ),
  );

/**
 * The HTML stands in a frame without scripts and without an origin: whatever the mail holds, it reaches nothing of
 * Airflow's page.
 *
 * @param {Drawn & {part: string, height: string, where: string}} props
 */
const Content = ({ html, body, part, height, where, placeholder }) =>
  part === "html" && html
    ? h(C.chakra.iframe, {
        title: `HTML of the mail in ${where}`,
        sandbox: "",
        srcDoc: HEAD + html,
        referrerPolicy: "no-referrer",
        display: "block",
        width: "100%",
        height,
        border: "none",
        bg: "white",
      })
    : h(
        C.Box,
        {
          p: 4,
          height,
          overflowY: "auto",
          tabIndex: 0,
          role: "group",
          "aria-label": `Text of the mail in ${where}`,
          whiteSpace: "pre-wrap",
          overflowWrap: "anywhere",
          fontSize: "sm",
        },
        h(Placeheld, { text: body, placeholder }),
      );
