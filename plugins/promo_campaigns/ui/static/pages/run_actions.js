/** What a person does to a run. Each button first says what it comes to. */

import { Chakra as C, React } from "../airflow_page.js";
import { download, path, post } from "../api.js";
import { Act, counted, h } from "../kit.js";
import { refresh } from "../store.js";

/** @import { RunDetail } from "../types.js" */
/** @typedef {{run: RunDetail}} OfRun */

const route = (/** @type {RunDetail} */ { line }, /** @type {string} */ act) => `runs/${path(line.run_id)}/${act}`;
const changed = () => refresh("runs", "strip");

export const RunActions = (/** @type {OfRun} */ { run }) => {
  const { line, can } = run;
  const goesOn = line.state === "open" || line.state === "awaiting";
  return h(
    React.Fragment,
    null,
    can.act && goesOn ? h(Pause, { run }) : null,
    can.act && (line.state === "paused" || line.state === "cancelled") ? h(Resume, { run }) : null,
    can.act && line.state === "closed" && line.sent < line.audience ? h(Again, { run, mode: "missing" }) : null,
    can.act && line.state === "closed" && line.sent > line.recorded ? h(Again, { run, mode: "profiles" }) : null,
    can.export ? h(Export, { run }) : null,
    can.act && (goesOn || line.state === "paused") ? h(Cancel, { run }) : null,
  );
};

const Pause = (/** @type {OfRun} */ { run }) =>
  h(Act, {
    label: "Pause",
    title: "Pause this run?",
    verb: "Pause the run",
    done: "The run is paused",
    icon: "pause",
    reason: "optional",
    effect: {
      sentence: `${counted(run.line.waiting, "contact waits", "contacts wait")} until the run goes on. Calls that are under way come to their end; codes stay reserved.`,
      numbers: { waiting: run.line.waiting, "sent already": run.line.sent },
    },
    act: (reason) => post(route(run, "pause"), { reason }),
    onDone: changed,
  });

/** A paused run goes on by itself; one that was cancelled has left its contacts out, and is run again afterwards. */
const Resume = (/** @type {OfRun} */ { run }) => {
  const { waiting, skipped, sent, state } = run.line;
  const cancelled = state === "cancelled";
  return h(Act, {
    label: cancelled ? "Take back the cancellation" : "Let it go on",
    title: cancelled ? "Take back the cancellation?" : "Let this run go on?",
    verb: cancelled ? "Take it back" : "Let it go on",
    done: cancelled ? "The run can be run again" : "The run goes on",
    icon: "play",
    reason: "optional",
    effect: cancelled
      ? {
          sentence:
            "Nobody is sent anything by this alone. Afterwards the run can be run again for those who were left out.",
          numbers: { "left out": skipped, "sent already": sent },
        }
      : {
          sentence: `${counted(waiting, "contact is", "contacts are")} sent to from now on.`,
          numbers: { waiting, "sent already": sent },
        },
    act: (reason) => post(route(run, "resume"), { reason }),
    onDone: changed,
  });
};

const Cancel = (/** @type {OfRun} */ { run }) =>
  h(Act, {
    label: "Cancel",
    title: "Cancel this run for good?",
    verb: "Cancel the run",
    done: "The run is cancelled",
    icon: "stop",
    danger: true,
    reason: "required",
    effectRoute: route(run, "cancel/effect"),
    act: (reason) => post(route(run, "cancel"), { reason }),
    onDone: changed,
  });

const AGAIN = {
  missing: { label: "Send what is missing", title: "Send to those who were not reached?", verb: "Send to them" },
  profiles: { label: "Repair profiles", title: "Write the codes to the profiles again?", verb: "Write the profiles" },
};

const Again = (/** @type {OfRun & {mode: "missing" | "profiles"}} */ { run, mode }) =>
  h(Act, {
    ...AGAIN[mode],
    done: "The DAG was triggered for this run",
    icon: "again",
    effectRoute: route(run, "again/effect"),
    effectParams: { mode },
    act: () => post(route(run, "again"), { mode }),
    onDone: changed,
  });

function Export(/** @type {OfRun} */ { run }) {
  const [reveal, setReveal] = React.useState(false);
  return h(
    Act,
    {
      label: "Export",
      title: "Export who got which?",
      verb: "Export",
      done: "The file is in your downloads",
      icon: "download",
      effect: {
        sentence: `A CSV file with ${counted(run.line.audience, "row")}, one for each contact. The export is kept with your name in the audit.`,
      },
      act: () => download(route(run, "export"), { reveal }, `${run.line.run_key.replaceAll(/[^\w.-]+/g, "_")}.csv`),
    },
    run.can.reveal
      ? h(
          C.Switch.Root,
          { checked: reveal, onCheckedChange: (/** @type {{checked: boolean}} */ change) => setReveal(change.checked) },
          h(C.Switch.HiddenInput),
          h(C.Switch.Control),
          h(C.Switch.Label, null, "With the codes in full"),
        )
      : h(
          C.Text,
          { color: "fg.muted", fontSize: "sm" },
          "Codes are masked: you do not have the right to see them in full.",
        ),
  );
}
