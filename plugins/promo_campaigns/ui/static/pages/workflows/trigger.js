/** Trigger a workflow: the form with what the run may differ in, and what it will do, in numbers, beside it. */

import { Chakra as C, React } from "../../airflow_page.js";
import { path, post } from "../../api.js";
import { Act, EffectShown, Go, GoButton, h, Notice, Section, Shown, toDagRun, toRun } from "../../kit.js";
import { refresh, useKept, useRoute } from "../../store.js";
import { conf, TriggerForm } from "./form.js";
import { titleOf } from "./facts.js";

/** @import { Workflow } from "../../workflow_types.js" */

const TYPING_MS = 400;
const LOOK_MS = 3_000;
/** The dry run has a page of its own. */
const ELSEWHERE = new Set(["dry_run"]);

/** A value once it has been the same for a moment: what is typed is not asked about letter by letter. */
function useCalm(/** @type {string} */ value) {
  const [calm, setCalm] = React.useState(value);
  React.useEffect(() => {
    const timer = setTimeout(() => setCalm(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return calm;
}

export function Trigger(/** @type {{workflow: Workflow}} */ { workflow }) {
  const [filled, setFilled] = useKept(`trigger form of ${workflow.dag_id}`, /** @type {Record<string, string>} */ ({}));
  const [started, setStarted] = useKept(`triggered run of ${workflow.dag_id}`, "");
  const fields = (workflow.form ?? []).filter((field) => !ELSEWHERE.has(field.name));
  const chosen = conf(fields, filled);
  const calm = useCalm(JSON.stringify(chosen));
  const route = `workflows/${path(workflow.dag_id)}/trigger`;
  const mayAct = workflow.can?.act !== false;
  const effect = useRoute(mayAct ? `${route}/effect` : null, JSON.parse(calm));
  if (!mayAct)
    return h(
      Notice,
      { status: "info", title: "You may look at this workflow but not trigger it" },
      "Users who may trigger its DAG in Airflow may do so here.",
    );
  return h(
    C.Stack,
    { gap: 5 },
    started ? h(Started, { dagId: workflow.dag_id, dagRunId: started, forget: () => setStarted("") }) : null,
    h(
      C.Grid,
      { templateColumns: { base: "minmax(0, 1fr)", lg: "minmax(0, 1fr) minmax(0, 1fr)" }, gap: 5, alignItems: "start" },
      h(
        Section,
        { title: "What the run is", note: "A field that is left as it is says nothing: the run is then the workflow as it is written." },
        fields.length ? h(TriggerForm, { fields, filled, setFilled }) : h(C.Text, null, "This workflow asks nothing."),
      ),
      h(
        Section,
        { title: "What it will do" },
        h(Shown, { loaded: effect, what: "What it will do", children: (known) => h(Weighed, { known }) }),
        h(
          C.Flex,
          null,
          h(TriggerButton, { workflow, chosen, route, known: calm === JSON.stringify(chosen) ? effect.data : undefined, setStarted }),
        ),
      ),
    ),
  );
}

/** @typedef {{sentence: string, numbers?: Record<string, any>, refusals?: string[], notes?: string[]}} Known */

/** @param {{known: Known}} props */
const Weighed = ({ known }) =>
  h(
    C.Stack,
    { gap: 3 },
    h(EffectShown, { effect: plain(known) }),
    (known.refusals ?? []).map((text) => h(Notice, { key: text, status: "error", title: "Start will refuse this run" }, text)),
    (known.notes ?? []).map((text) => h(Notice, { key: text, status: "info", title: "To be known" }, text)),
  );

/** Yes and no are no numbers; the sentence and the notes say them. */
const plain = (/** @type {Known} */ { sentence, numbers = {} }) => ({
  sentence,
  numbers: Object.fromEntries(Object.entries(numbers).filter(([, value]) => typeof value === "number")),
});

/**
 * It waits until what the run will do is known, for the form as it is filled in.
 *
 * @param {{workflow: Workflow, chosen: Record<string, any>, route: string, known: Known | undefined, setStarted: (id: string) => void}} props
 */
function TriggerButton({ workflow, chosen, route, known, setStarted }) {
  const [unpause, setUnpause] = React.useState(false);
  return h(Act, {
    label: "Trigger",
    icon: "play",
    title: `Trigger ${titleOf(workflow)}?`,
    verb: "Trigger",
    done: "The run was triggered",
    disabled: !known || Boolean(known.refusals?.length),
    effect: known ? plain(known) : undefined,
    act: () => post(route, { conf: chosen, unpause }),
    onDone: (answer) => {
      setStarted(answer.dag_run_id ?? answer.run_id);
      refresh("workflows", "runs", "strip");
    },
    children: workflow.paused && workflow.can?.turn_on !== false ? h(Unpause, { unpause, setUnpause }) : undefined,
  });
}

/** @param {{unpause: boolean, setUnpause: (on: boolean) => void}} props */
const Unpause = ({ unpause, setUnpause }) =>
  h(
    C.Stack,
    { gap: 1 },
    h(
      C.Checkbox.Root,
      {
        checked: unpause,
        onCheckedChange: (/** @type {{checked: boolean | "indeterminate"}} */ change) => setUnpause(change.checked === true),
      },
      h(C.Checkbox.HiddenInput),
      h(C.Checkbox.Control),
      h(C.Checkbox.Label, null, "Switch the DAG on"),
    ),
    h(
      C.Text,
      { fontSize: "sm", color: "fg.muted" },
      "It is paused: the run waits until it is on. Switching it on lets its schedule run as well.",
    ),
  );

/** From the moment a run is triggered until the ledger knows it, a link to each. @param {{dagId: string, dagRunId: string, forget: () => void}} props */
function Started({ dagId, dagRunId, forget }) {
  const { data } = useRoute(
    "runs/by-dag-run",
    { dag_id: dagId, run_id: dagRunId },
    { every: LOOK_MS, settled: (found) => found.run_ids.length > 0 },
  );
  const runId = data?.run_ids[0];
  return h(
    Notice,
    {
      status: "success",
      title: "The run was triggered",
      action: h(
        C.HStack,
        { gap: 2 },
        runId ? h(GoButton, { to: toRun(runId) }, "Watch the run") : null,
        h(C.Button, { size: "sm", variant: "outline", onClick: forget }, "Close"),
      ),
    },
    h(Go, { to: toDagRun(dagId, dagRunId) }, dagRunId),
    runId ? null : ". It appears among the runs as soon as Start has opened it.",
  );
}
