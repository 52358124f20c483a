/** Fields to fill in and to filter with, each with its label. */

import { Chakra as C } from "../airflow_page.js";
import { h } from "./element.js";

/** @import { ChangeEvent, ReactNode } from "react" */

/**
 * @param {{label: string, value: string, options: {value: string, label: string}[], onChange: (value: string) => void,
 *   all?: string, width?: any}} props `all` names the choice that filters nothing
 */
export const Choice = ({ label, value, options, onChange, all, width = { base: "100%", sm: "220px" } }) =>
  h(
    C.Field.Root,
    { width },
    h(C.Field.Label, null, label),
    h(
      C.NativeSelect.Root,
      { size: "sm" },
      h(
        C.NativeSelect.Field,
        { value, onChange: (/** @type {ChangeEvent<HTMLSelectElement>} */ event) => onChange(event.target.value) },
        all ? h("option", { value: "" }, all) : null,
        options.map((option) => h("option", { key: option.value, value: option.value }, option.label)),
      ),
      h(C.NativeSelect.Indicator),
    ),
  );

/**
 * @param {{label: string, value: string, onChange: (value: string) => void, help?: ReactNode, width?: any, mono?: boolean,
 *   placeholder?: string, type?: string}} props
 */
export const TextField = ({
  label,
  value,
  onChange,
  help,
  width = { base: "100%", sm: "260px" },
  mono,
  placeholder,
  type = "text",
}) =>
  h(
    C.Field.Root,
    { width },
    h(C.Field.Label, null, label),
    h(C.Input, {
      size: "sm",
      type,
      value,
      placeholder,
      autoComplete: "off",
      spellCheck: false,
      fontFamily: mono ? "mono" : undefined,
      onChange: (/** @type {ChangeEvent<HTMLInputElement>} */ event) => onChange(event.target.value),
    }),
    help ? h(C.Field.HelperText, null, help) : null,
  );
