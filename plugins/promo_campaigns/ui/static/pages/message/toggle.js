/** Two or three choices side by side, of which one is pressed. */

import { Chakra as C } from "../../airflow_page.js";
import { h } from "../../kit.js";

/** @param {{label: string, value: string, options: {value: string, label: string}[], onChange: (value: string) => void}} props */
export const Toggle = ({ label, value, options, onChange }) =>
  h(
    C.Group,
    { attached: true, role: "group", "aria-label": label },
    options.map((option) =>
      h(
        C.Button,
        {
          key: option.value,
          size: "sm",
          variant: value === option.value ? "subtle" : "outline",
          "aria-pressed": value === option.value,
          onClick: () => onChange(option.value),
        },
        option.label,
      ),
    ),
  );
