/** A text in which the placeholder of the code is marked. */

import { Chakra as C } from "../../airflow_page.js";
import { h } from "../../kit.js";

/** @param {{text: string, placeholder: string}} props */
export function Placeheld({ text, placeholder }) {
  if (!placeholder || !text.includes(placeholder)) return text;
  return text
    .split(placeholder)
    .flatMap((part, place) =>
      place === 0
        ? [part]
        : [
            h(
              C.Mark,
              { key: place, bg: "warning.muted", color: "warning.fg", borderRadius: "sm", px: "1px", title: "Here the code will stand" },
              placeholder,
            ),
            part,
          ],
    );
}
