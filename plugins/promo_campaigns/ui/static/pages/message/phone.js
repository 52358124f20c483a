/** A phone to show a message on: drawn with boxes and tokens, so that it needs no picture and fits both themes. */

import { Chakra as C } from "../../airflow_page.js";
import { h } from "../../kit.js";

/** @import { ReactNode } from "react" */

export const PHONE_WIDTH = 288;
const CASE_WIDTH = 9;
/** How wide the screen is, in CSS pixels. */
export const SCREEN_WIDTH = PHONE_WIDTH - 2 * CASE_WIDTH;
export const SCREEN_HEIGHT = 540;

const SIGNAL = "M2 18h3v3H2zM7.5 14h3v7h-3zM13 9h3v12h-3zM18.5 4h3v17h-3z";
const WIFI =
  "M12 20.5 8.6 17a5 5 0 0 1 6.8 0zM12 4C7.7 4 3.9 5.7 1 8.5l2.3 2.4a12.5 12.5 0 0 1 17.400 0L23 8.5A15.9 15.9 0 0 0 12 4zm0 5.9c-2.7 0-5.2 1-7 2.8l2.3 2.4a6.7 6.7 0 0 1 9.4 0l2.3-2.4a10 10 0 0 0-7-2.8z";
const BATTERY = "M3 7h16a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zm19.5 3v4h1v-4z";

/**
 * @param {{label: string, system: "ios" | "android", wallpaper?: boolean, children?: ReactNode, note?: ReactNode}} props
 *   `wallpaper` is for a locked screen; without it the screen has the colour of an app
 */
export const Phone = ({ label, system, wallpaper = false, children, note }) =>
  h(
    C.Stack,
    { as: "figure", m: 0, gap: 2, width: `${PHONE_WIDTH}px`, maxW: "100%", flexShrink: 0 },
    h(
      C.Flex,
      {
        direction: "column",
        height: `${SCREEN_HEIGHT + 2 * CASE_WIDTH}px`,
        borderWidth: `${CASE_WIDTH}px`,
        borderColor: { base: "gray.900", _dark: "gray.700" },
        borderRadius: system === "ios" ? "48px" : "36px",
        outlineWidth: "1px",
        outlineStyle: "solid",
        outlineColor: { base: "gray.400", _dark: "gray.600" },
        overflow: "hidden",
        position: "relative",
        boxShadow: "lg",
        color: wallpaper ? "white" : "fg",
        bg: "bg.panel",
        ...(wallpaper ? WALLPAPERS[system] : {}),
      },
      h(StatusBar, { system }),
      children,
      h(C.Box, {
        "aria-hidden": true,
        mt: "auto",
        mx: "auto",
        mb: 2,
        width: "100px",
        height: "4px",
        borderRadius: "full",
        bg: "currentColor",
        opacity: 0.6,
        flexShrink: 0,
      }),
    ),
    h(C.Box, { as: "figcaption", textAlign: "center", fontSize: "sm", color: "fg.muted" }, label, note ? h(C.Box, null, note) : null),
  );

const WALLPAPERS = {
  ios: {
    bgGradient: "to-b",
    gradientFrom: { base: "blue.600", _dark: "blue.900" },
    gradientTo: { base: "purple.800", _dark: "purple.950" },
  },
  android: {
    bgGradient: "to-br",
    gradientFrom: { base: "teal.700", _dark: "teal.900" },
    gradientTo: { base: "indigo.900", _dark: "gray.950" },
  },
};

const StatusBar = (/** @type {{system: "ios" | "android"}} */ { system }) =>
  h(
    C.Flex,
    {
      "aria-hidden": true,
      justify: "space-between",
      align: "center",
      px: 6,
      pt: 3,
      pb: 1,
      fontSize: "sm",
      fontWeight: "semibold",
      position: "relative",
      flexShrink: 0,
    },
    h("span", null, "9:41"),
    h(C.Box, {
      position: "absolute",
      insetInlineStart: "50%",
      top: "10px",
      transform: "translateX(-50%)",
      bg: "black",
      borderRadius: "full",
      height: system === "ios" ? "24px" : "16px",
      width: system === "ios" ? "84px" : "16px",
    }),
    h(
      C.HStack,
      { gap: 1 },
      [SIGNAL, WIFI, BATTERY].map((d) => h(Sign, { key: d, d })),
    ),
  );

const Sign = (/** @type {{d: string}} */ { d }) =>
  h(C.Icon, { boxSize: "15px" }, h("svg", { viewBox: "0 0 24 24", fill: "currentColor" }, h("path", { d })));
