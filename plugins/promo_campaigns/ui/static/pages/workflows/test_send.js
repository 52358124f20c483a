/** Test send: the message to a few named contacts, with the placeholder in place of a code. */

import { Chakra as C, React } from "../../airflow_page.js";
import { path, post } from "../../api.js";
import { Act, counted, DataTable, Empty, h, Mark, Notice, Section, tellFailure } from "../../kit.js";
import { useKept } from "../../store.js";
import { ContactSearch } from "../contact_search.js";
import { Drawing } from "../message/drawing.js";
import { titleOf } from "./facts.js";

/** @import { TestSend, Workflow } from "../../workflow_types.js" */

const MOST = 20;
const PLACEHOLDER = "TEST-NO-CODE";
const OUTCOMES = /** @type {Record<string, {word: string, palette: string}>} */ ({
  ok: { word: "accepted", palette: "success" },
  refused: { word: "refused", palette: "failed" },
  later: { word: "not now", palette: "warning" },
  unknown: { word: "unknown", palette: "warning" },
  skipped: { word: "left out", palette: "skipped" },
});

export function TestSends(/** @type {{workflow: Workflow}} */ { workflow }) {
  const [ids, setIds] = useKept("test contacts", /** @type {number[]} */ ([]));
  const [result, setResult] = useKept(`test send of ${workflow.dag_id}`, /** @type {TestSend | null} */ (null));
  const change = (/** @type {number[]} */ wanted) => {
    setIds(wanted.slice(0, MOST));
    setResult(null);
  };
  if (workflow.can && !workflow.can.act)
    return h(
      Notice,
      { status: "info", title: "You may look at this workflow but not send" },
      "Users who may trigger its DAG in Airflow may send tests.",
    );
  return h(
    C.Stack,
    { gap: 5 },
    h(
      Section,
      {
        title: "Test contacts",
        note: `Up to ${MOST} contacts of your team. The message holds ${PLACEHOLDER} in place of a code; no code is used, no profile is written, and the send is kept in the audit.`,
      },
      h(ContactSearch, {
        label: "Add a contact",
        verb: "Add",
        onChoose: ({ contact_id: id }) => change([...new Set([...ids, Number(id)])]),
      }),
      ids.length ? h(Chosen, { ids, change }) : h(Empty, { title: "No contact is chosen" }, "Add those who are to look at the message."),
      ids.length ? h(Buttons, { workflow, ids, setResult }) : null,
    ),
    result ? h(Result, { result }) : null,
  );
}

/** @param {{ids: number[], change: (ids: number[]) => void}} props */
const Chosen = ({ ids, change }) =>
  h(
    C.Flex,
    { as: "ul", "aria-label": "Chosen contacts", listStyle: "none", p: 0, m: 0, gap: 2, wrap: "wrap" },
    ids.map((id) =>
      h(
        C.HStack,
        { as: "li", key: id, borderWidth: 1, borderRadius: "full", ps: 3, gap: 0 },
        h(C.Text, { fontSize: "sm" }, `contact ${id}`),
        h(C.CloseButton, {
          size: "xs",
          borderRadius: "full",
          "aria-label": `Take contact ${id} away`,
          onClick: () => change(ids.filter((one) => one !== id)),
        }),
      ),
    ),
  );

/** @param {{workflow: Workflow, ids: number[], setResult: (result: TestSend) => void}} props */
function Buttons({ workflow, ids, setResult }) {
  const [isBusy, setBusy] = React.useState(false);
  const route = `workflows/${path(workflow.dag_id)}/test-send`;
  const look = async () => {
    setBusy(true);
    try {
      setResult(await post(route, { contact_ids: ids, send: false }));
    } catch (error) {
      tellFailure("The messages could not be written", error);
    }
    setBusy(false);
  };
  const by = workflow.is_inbox
    ? "The inbox keeps the messages in the store; nobody is really sent anything."
    : `${workflow.transport} really sends the message to ${counted(ids.length, "contact")} over ${workflow.channel}.`;
  return h(
    C.Flex,
    { gap: 2, wrap: "wrap" },
    h(C.Button, { size: "sm", variant: "outline", loading: isBusy, onClick: look }, "Look at the messages"),
    h(Act, {
      label: "Send the test",
      icon: "send",
      title: `Send ${titleOf(workflow)} to ${counted(ids.length, "test contact")}?`,
      verb: "Send",
      done: "The test was sent",
      effect: {
        sentence: `${by} No code is used: ${PLACEHOLDER} stands in its place.`,
        numbers: { contacts: ids.length, "codes used": 0 },
      },
      act: () => post(route, { contact_ids: ids, send: true }),
      onDone: setResult,
    }),
  );
}

/** @param {{result: TestSend}} props */
function Result({ result }) {
  const rows =
    result.outcomes ?? result.left_out.map(({ contact_id: id, reason }) => ({ contact_id: id, outcome: "skipped", detail: reason }));
  return h(
    C.Stack,
    { gap: 5 },
    rows.length
      ? h(
          Section,
          { title: result.outcomes ? "What became of it" : "Left out" },
          h(DataTable, {
            label: "Outcomes of the test send",
            rows,
            rowKey: (row) => row.contact_id,
            columns: [
              { header: "Contact", cell: (row) => row.contact_id },
              { header: "Outcome", cell: (row) => h(Mark, OUTCOMES[row.outcome] ?? { word: row.outcome, palette: "none" }) },
              { header: "Detail", long: true, cell: (row) => row.detail || "–" },
            ],
          }),
        )
      : null,
    result.messages.map((message) =>
      h(
        Section,
        { key: message.contact_id, title: `Contact ${message.contact_id}` },
        h(Drawing, { message: { ...message, placeholder: PLACEHOLDER }, channel: message.channel }),
      ),
    ),
  );
}
