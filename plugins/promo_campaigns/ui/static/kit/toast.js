/** Short notes at the bottom of the page, placed as Airflow places its own. */

import { Chakra as C } from "../airflow_page.js";
import { h } from "./element.js";

const FAILURE_MS = 20_000;
const toaster = C.createToaster({ placement: "bottom-end", pauseOnPageIdle: true });

export const tell = (/** @type {string} */ title, /** @type {string} */ description = "") =>
  toaster.create({ type: "success", title, description });

/** What went wrong stays long enough to be read to its end. */
export const tellFailure = (/** @type {string} */ title, /** @type {unknown} */ error) =>
  toaster.create({
    type: "error",
    title,
    description: error instanceof Error ? error.message : String(error),
    duration: FAILURE_MS,
  });

/** @typedef {{title?: string, description?: string}} Toast */

export const Toasts = () =>
  h(
    C.Portal,
    null,
    h(C.Toaster, {
      toaster,
      insetInline: { mdDown: "4" },
      children: /** @type {any} */ (
        (/** @type {Toast} */ toast) =>
          h(
            C.Toast.Root,
            { width: { md: "sm" } },
            h(C.Toast.Indicator),
            h(
              C.Stack,
              { gap: 1, flex: 1, minW: 0, maxWidth: "100%", overflowWrap: "anywhere" },
              h(C.Toast.Title, null, toast.title),
              toast.description ? h(C.Toast.Description, null, toast.description) : null,
            ),
            h(C.Toast.CloseTrigger),
          )
      ),
    }),
  );
