/** The fields in which a run may differ from its workflow, made from what the workflow's trigger form asks. */

import { Chakra as C } from "../../airflow_page.js";
import { Choice, h, TextField } from "../../kit.js";

/** @import { FormField } from "../../workflow_types.js" */

const MODES = /** @type {Record<string, string>} */ ({
  missing: "send to the contacts that are missing",
  profiles: "only write the profiles again",
  refuse: "refuse",
});
const WIDE = { base: "100%", sm: "340px" };

const types = (/** @type {FormField} */ { type }) => [type].flat();
const isNumber = (/** @type {FormField} */ field) => types(field).some((type) => type === "integer" || type === "number");
const isFlag = (/** @type {FormField} */ field) => types(field).includes("boolean");
const asText = (/** @type {unknown} */ value) => (value === null || value === undefined ? "" : String(value));

/**
 * What a run is triggered with: only what differs from the workflow.
 *
 * @param {FormField[]} fields
 * @param {Record<string, string>} filled
 * @returns {Record<string, any>}
 */
export function conf(fields, filled) {
  const changed = fields.filter(({ name, default: written }) => name in filled && filled[name] !== "" && filled[name] !== asText(written));
  return Object.fromEntries(changed.map((field) => [field.name, valueOf(field, filled[field.name])]));
}

function valueOf(/** @type {FormField} */ field, /** @type {string} */ text) {
  if (isFlag(field)) return text === "true";
  return isNumber(field) && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text.trim();
}

/** @param {{fields: FormField[], filled: Record<string, string>, setFilled: (filled: Record<string, string>) => void}} props */
export const TriggerForm = ({ fields, filled, setFilled }) =>
  h(
    C.Flex,
    { gap: 4, wrap: "wrap", align: "flex-start" },
    fields.map((field) =>
      h(OneField, {
        key: field.name,
        field,
        value: filled[field.name] ?? asText(field.default),
        onChange: (/** @type {string} */ value) => setFilled({ ...filled, [field.name]: value }),
      }),
    ),
    Object.keys(filled).length
      ? h(C.Button, { size: "sm", variant: "outline", alignSelf: "flex-end", onClick: () => setFilled({}) }, "As it is written")
      : null,
  );

/** @param {{field: FormField, value: string, onChange: (value: string) => void}} props */
function OneField({ field, value, onChange }) {
  if (isFlag(field)) return h(Flag, { field, value, onChange });
  const options = optionsOf(field);
  if (options.length) return h(Choice, { label: field.title, value, options: withOwn(options, value, field), onChange, width: WIDE });
  return h(TextField, { label: field.title, value, onChange, help: helpOf(field), type: isNumber(field) ? "number" : "text", width: WIDE });
}

function helpOf(/** @type {FormField} */ { description, examples }) {
  const known = (examples ?? []).filter((example) => example !== null && example !== "").join(", ");
  return [description, known ? `In use: ${known}.` : ""].filter(Boolean).join(". ") || undefined;
}

/** The choices as values and labels; none is the workflow's own choice and has the empty value. */
function optionsOf(/** @type {FormField} */ { choices }) {
  return (choices ?? []).map((choice) => {
    const value = asText(choice);
    return { value, label: value === "" ? "as the workflow says" : (MODES[value] ?? value) };
  });
}

/** What is written in the workflow can be chosen, though the form may not offer it. */
function withOwn(/** @type {{value: string, label: string}[]} */ options, /** @type {string} */ value, /** @type {FormField} */ field) {
  const own = asText(field.default);
  return [...new Set([own, value])]
    .filter((text) => !options.some((option) => option.value === text))
    .map((text) => ({ value: text, label: text || "as the workflow says" }))
    .concat(options);
}

/** @param {{field: FormField, value: string, onChange: (value: string) => void}} props */
const Flag = ({ field, value, onChange }) =>
  h(
    C.Stack,
    { gap: 1, width: WIDE },
    h(
      C.Checkbox.Root,
      {
        checked: value === "true",
        onCheckedChange: (/** @type {{checked: boolean | "indeterminate"}} */ change) => onChange(String(change.checked === true)),
      },
      h(C.Checkbox.HiddenInput),
      h(C.Checkbox.Control),
      h(C.Checkbox.Label, null, field.title),
    ),
    field.description ? h(C.Text, { fontSize: "xs", color: "fg.muted" }, field.description) : null,
  );
