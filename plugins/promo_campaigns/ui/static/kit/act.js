/** A button that says what it will do, in numbers, before it does it. */

import { Chakra as C, React } from "../airflow_page.js";
import { useRoute } from "../store.js";
import { Glyph, h } from "./element.js";
import { count } from "./format.js";
import { Loading, Notice } from "./states.js";
import { tell } from "./toast.js";

/** @import { ChangeEvent, FormEvent, ReactNode } from "react" */
/** @import { Params } from "../api.js" */
/** @import { IconName } from "./element.js" */

/**
 * @typedef {{sentence: string, numbers?: Record<string, number | string>}} Effect
 *
 * @typedef {object} ActProps
 * @property {string} label of the button
 * @property {string} title of the dialog: what is asked
 * @property {string} verb of the button that does it
 * @property {string} done what is said afterwards
 * @property {(reason: string) => Promise<unknown>} act
 * @property {Effect} [effect] what it will do, where the page knows it itself
 * @property {string} [effectRoute] the route that says what it will do
 * @property {Params} [effectParams]
 * @property {"required" | "optional"} [reason] whether it asks why; the reason is kept in the audit
 * @property {boolean} [danger] whether it takes something away
 * @property {IconName} [icon]
 * @property {"xs" | "sm" | "md"} [size]
 * @property {boolean} [disabled]
 * @property {string} [testId]
 * @property {ReactNode} [children] more to fill in
 * @property {(answer: any) => void} [onDone] is given what the act answered
 */

export function Act(/** @type {ActProps} */ props) {
  const [open, setOpen] = React.useState(false);
  const content = React.useRef(/** @type {HTMLDivElement | null} */ (null));
  const button = React.useRef(/** @type {HTMLButtonElement | null} */ (null));
  const { label, icon, danger, size = "sm", disabled } = props;
  const settings = {
    open,
    onOpenChange: (/** @type {{open: boolean}} */ change) => setOpen(change.open),
    lazyMount: true,
    unmountOnExit: true,
    role: /** @type {const} */ ("alertdialog"),
    scrollBehavior: /** @type {const} */ ("inside"),
    size: /** @type {const} */ ("md"),
    // An alert dialog would put the focus on a close button, of which there is none.
    initialFocusEl: () => content.current?.querySelector(/** @type {"input"} */ ("input, select, button")) ?? null,
    finalFocusEl: () => button.current,
  };
  return h(
    C.Dialog.Root,
    settings,
    h(
      C.Dialog.Trigger,
      { asChild: true },
      h(
        C.Button,
        { ref: button, size, variant: "outline", colorPalette: danger ? "danger" : undefined, disabled },
        icon ? h(Glyph, { name: icon }) : null,
        label,
      ),
    ),
    h(
      C.Portal,
      null,
      h(C.Dialog.Backdrop),
      h(
        C.Dialog.Positioner,
        { padding: 4 },
        h(C.Dialog.Content, { ref: content }, h(Asked, { ...props, close: () => setOpen(false) })),
      ),
    ),
  );
}

function Asked(
  /** @type {ActProps & {close: () => void}} */ {
    title,
    verb,
    done,
    act,
    effect,
    effectRoute,
    effectParams,
    reason,
    danger,
    children,
    onDone,
    close,
  },
) {
  const asked = useRoute(effectRoute ?? null, effectParams);
  const [why, setWhy] = React.useState("");
  const [state, setState] = React.useState({ busy: false, error: /** @type {Error | null} */ (null) });
  const known = effect ?? asked.data;
  const ready = (!effectRoute || known) && !asked.error && !asked.loading && (reason !== "required" || why.trim());
  const go = async (/** @type {FormEvent} */ event) => {
    event.preventDefault();
    if (!ready || state.busy) return;
    setState({ busy: true, error: null });
    try {
      const answer = await act(why.trim());
      close();
      tell(done);
      onDone?.(answer);
    } catch (error) {
      setState({ busy: false, error: /** @type {Error} */ (error) });
    }
  };
  const failure = state.error ?? asked.error;
  return h(
    "form",
    { onSubmit: go, style: { display: "contents" } },
    h(C.Dialog.Header, null, h(C.Dialog.Title, null, title)),
    h(
      C.Dialog.Body,
      null,
      h(
        C.Stack,
        { gap: 4 },
        known
          ? h(EffectShown, { effect: known })
          : effectRoute && !asked.error
            ? h(Loading, { lines: 2, what: "What it will do is being counted" })
            : null,
        children ?? null,
        reason ? h(Reason, { why, setWhy, required: reason === "required" }) : null,
        failure ? h(Notice, { status: "error", title: "This was not done" }, failure.message) : null,
      ),
    ),
    h(
      C.Dialog.Footer,
      null,
      h(C.Button, { type: "button", variant: "outline", onClick: close }, "Do nothing"),
      h(
        C.Button,
        { type: "submit", colorPalette: danger ? "danger" : "brand", disabled: !ready, loading: state.busy },
        verb,
      ),
    ),
  );
}

/** @param {{effect: Effect}} props */
export const EffectShown = ({ effect }) =>
  h(
    C.Stack,
    { gap: 3 },
    h(C.Text, null, whole(effect.sentence)),
    effect.numbers && Object.keys(effect.numbers).length
      ? h(
          C.SimpleGrid,
          { columns: { base: 2, sm: 3 }, gap: 3 },
          Object.entries(effect.numbers).map(([name, number]) =>
            h(Figure, { key: name, name: titled(name), value: number }),
          ),
        )
      : null,
  );

/** A sentence with its capital and its full stop. */
const whole = (/** @type {string} */ text) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/[.!?]?$/, "")}.`;

/** `codes_freed` as a heading: `Codes freed`. */
const titled = (/** @type {string} */ name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

/** A number with its name. */
export const Figure = (
  /** @type {{name: string, value: number | string | null | undefined, note?: ReactNode}} */ { name, value, note },
) =>
  h(
    C.Stat.Root,
    { size: "sm", borderWidth: 1, borderRadius: "md", p: 3, minW: 0 },
    h(C.Stat.Label, null, name),
    h(
      C.Stat.ValueText,
      { fontVariantNumeric: "tabular-nums", overflowWrap: "anywhere" },
      typeof value === "string" ? value : count(value),
    ),
    note ? h(C.Stat.HelpText, { as: "dd", ms: 0 }, note) : null,
  );

const Reason = (
  /** @type {{why: string, setWhy: (why: string) => void, required: boolean}} */ { why, setWhy, required },
) =>
  h(
    C.Field.Root,
    { required },
    h(C.Field.Label, null, required ? "Why" : "Why (may stay empty)", h(C.Field.RequiredIndicator)),
    h(C.Input, {
      value: why,
      maxLength: 500,
      autoComplete: "off",
      onChange: (/** @type {ChangeEvent<HTMLInputElement>} */ event) => setWhy(event.target.value),
    }),
    h(C.Field.HelperText, null, "Kept with your name in the audit."),
  );
