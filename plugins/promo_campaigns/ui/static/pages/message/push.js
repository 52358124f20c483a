/** A push notification as an iPhone and as an Android phone show it. */

import { Chakra as C, React } from "../../airflow_page.js";
import { Glyph, h } from "../../kit.js";
import { Phone } from "./phone.js";
import { Placeheld } from "./placeholder.js";

/** @import { Drawn } from "../../workflow_types.js" */

const APP = "Your app";
const LINES = { ios: 4, android: 1 };
const SMALL_PRINT = "13px";

/** @param {Drawn & {open: boolean}} props */
export const PushPhones = (props) =>
  h(
    C.Flex,
    { gap: 6, wrap: "wrap", justify: "center", width: "100%" },
    h(Locked, { ...props, system: "ios" }),
    h(Locked, { ...props, system: "android" }),
  );

/** @param {Drawn & {open: boolean, system: "ios" | "android"}} props */
function Locked({ system, ...message }) {
  const [isCut, setCut] = React.useState(false);
  const Card = system === "ios" ? IosCard : AndroidCard;
  return h(
    Phone,
    {
      system,
      wallpaper: true,
      label: system === "ios" ? "iPhone, locked" : "Android phone, locked",
      note: isCut ? "The text is cut here until it is pulled open." : null,
    },
    h(Clock, { system }),
    h(Card, { ...message, onCut: setCut }),
  );
}

const Clock = (/** @type {{system: "ios" | "android"}} */ { system }) =>
  h(
    C.Stack,
    { "aria-hidden": true, gap: 0, align: system === "ios" ? "center" : "flex-start", px: 5, pt: 6, pb: 7 },
    system === "ios" ? h(Today) : null,
    h(C.Text, { fontSize: "5xl", lineHeight: 1.1, fontWeight: system === "ios" ? "semibold" : "normal" }, "9:41"),
    system === "android" ? h(Today) : null,
  );

const Today = () =>
  h(
    C.Text,
    { fontSize: "sm" },
    new Intl.DateTimeFormat(document.documentElement.lang || "en", { weekday: "long", day: "numeric", month: "long" }).format(new Date()),
  );

const CARD = { color: "fg", bg: "bg.panel/90", backdropFilter: "blur(20px)", boxShadow: "md", mx: 2, p: 3, minW: 0 };

/** @typedef {Drawn & {open: boolean, onCut: (isCut: boolean) => void}} CardProps */

function IosCard(/** @type {CardProps} */ { title, body, image, open, onCut, placeholder }) {
  return h(
    C.Flex,
    { ...CARD, borderRadius: "22px", gap: 3, align: open ? "flex-start" : "center" },
    h(AppIcon, { size: "38px", radius: "10px" }),
    h(
      C.Box,
      { flex: 1, minW: 0 },
      h(
        C.Flex,
        { justify: "space-between", gap: 2, align: "baseline" },
        h(
          C.Text,
          { fontWeight: "semibold", fontSize: "15px", lineHeight: 1.3, lineClamp: open ? undefined : 1, overflowWrap: "anywhere" },
          h(Placeheld, { text: title || APP, placeholder }),
        ),
        h(C.Text, { fontSize: SMALL_PRINT, color: "fg.muted", flexShrink: 0 }, "now"),
      ),
      h(Words, { text: body, lines: open ? 0 : LINES.ios, onCut, placeholder }),
      open ? h(Picture, { image, big: true }) : null,
    ),
    open ? null : h(Picture, { image }),
  );
}

function AndroidCard(/** @type {CardProps} */ { title, body, image, open, onCut, placeholder }) {
  return h(
    C.Stack,
    { ...CARD, borderRadius: "28px", gap: 1, p: 4 },
    h(
      C.HStack,
      { gap: 2, fontSize: SMALL_PRINT, color: "fg.muted" },
      h(AppIcon, { size: "20px", radius: "full" }),
      h(C.Text, { flex: 1 }, `${APP} · now`),
      h(
        C.Box,
        { "aria-hidden": true, transform: open ? "rotate(-90deg)" : "rotate(90deg)", lineHeight: 1 },
        h(Glyph, { name: "next", size: 3 }),
      ),
    ),
    h(
      C.Flex,
      { gap: 3, justify: "space-between" },
      h(
        C.Box,
        { minW: 0 },
        title
          ? h(
              C.Text,
              { fontWeight: "medium", fontSize: "15px", lineClamp: open ? undefined : 1, overflowWrap: "anywhere" },
              h(Placeheld, { text: title, placeholder }),
            )
          : null,
        h(Words, { text: body, lines: open ? 0 : LINES.android, onCut, placeholder }),
      ),
      open ? null : h(Picture, { image }),
    ),
    open ? h(Picture, { image, big: true }) : null,
  );
}

/** The text of a notification, cut after so many lines (0: not at all); it tells whether that took anything away. */
function Words(
  /** @type {{text: string, lines: number, onCut: (isCut: boolean) => void, placeholder: string}} */ { text, lines, onCut, placeholder },
) {
  const box = React.useRef(/** @type {HTMLParagraphElement | null} */ (null));
  React.useEffect(() => {
    const shown = box.current;
    onCut(Boolean(lines && shown && (shown.scrollHeight > shown.clientHeight + 1 || shown.scrollWidth > shown.clientWidth + 1)));
  }, [text, lines]);
  return h(C.Text, { ref: box, fontSize: "15px", lineHeight: 1.35, ...heightOf(lines) }, h(Placeheld, { text, placeholder }));
}

function heightOf(/** @type {number} */ lines) {
  if (lines === 1) return { truncate: true };
  const wrapped = /** @type {const} */ ({ whiteSpace: "pre-line", overflowWrap: "anywhere" });
  return lines ? { ...wrapped, lineClamp: lines } : { ...wrapped, maxH: "280px", overflowY: /** @type {const} */ ("auto") };
}

const AppIcon = (/** @type {{size: string, radius: string}} */ { size, radius }) =>
  h(
    C.Center,
    { "aria-hidden": true, boxSize: size, borderRadius: radius, bg: "brand.solid", color: "brand.contrast", flexShrink: 0 },
    h(Glyph, { name: "ticket", size: 3 }),
  );

/** The picture of a push, from where it lies; the address of this page is not told there. */
const Picture = (/** @type {{image: string | null | undefined, big?: boolean}} */ { image, big = false }) =>
  image?.startsWith("https://")
    ? h(C.Image, {
        src: image,
        alt: "Picture of the message",
        referrerPolicy: "no-referrer",
        objectFit: "cover",
        borderRadius: "md",
        flexShrink: 0,
        ...(big ? { width: "100%", maxH: "150px", mt: 2 } : { boxSize: "40px" }),
      })
    : null;
