/** The codes of a contact, and of each: why, when, every attempt, and the code in full for those who may see it. */

import { Chakra as C, React } from "../airflow_page.js";
import { path, post } from "../api.js";
import {
  CodeText,
  ContactBadge,
  DataTable,
  Empty,
  Facts,
  Glyph,
  Go,
  h,
  Notice,
  PageButtons,
  Section,
  Shown,
  Time,
  toContact,
  toRun,
  usePages,
} from "../kit.js";
import { useMe } from "../shell.js";
import { useRoute } from "../store.js";

/** @import { Attempt, Contact, Given, GivenDetail } from "../types.js" */
/** @import { Column } from "../kit/table.js" */

export function ContactCodes(/** @type {{contact: Contact}} */ { contact }) {
  const route = `people/${path(contact.contact_id)}/codes`;
  const pages = usePages(route);
  const loaded = useRoute(route, { after: pages.after });
  const shown = [contact.external_id, contact.shown, contact.erased ? "erased" : ""].filter(Boolean).join(", ");
  return h(
    Section,
    { title: `Codes of contact ${contact.contact_id}`, note: shown || undefined },
    h(Shown, {
      loaded,
      what: "The contact's codes",
      children: (answer) =>
        h(
          C.Stack,
          { gap: 3 },
          answer.items.length
            ? h(GivenTable, { rows: answer.items, label: "Codes of the contact", contactId: contact.contact_id })
            : h(Empty, { title: "This contact was in no run yet" }, "Or there is no contact with this id."),
          h(PageButtons, { pages, next: answer.next, label: "codes of the contact" }),
        ),
    }),
  );
}

/** @param {{rows: Given[], label: string, contactId?: string | number}} props without a contact, each row names its own */
export function GivenTable({ rows, label, contactId }) {
  const owner = (/** @type {Given} */ row) => contactId ?? row.contact_id ?? "";
  /** @type {Column[]} */
  const columns = [
    ...(contactId === undefined
      ? [
          {
            header: "Contact",
            cell: (/** @type {Given} */ row) => h(Go, { to: toContact(owner(row)) }, String(owner(row))),
          },
        ]
      : []),
    { header: "Code", cell: (row) => h(CodeText, null, row.code_masked) },
    { header: "State", cell: (row) => h(ContactBadge, { state: row.state }) },
    { header: "Kind", from: "sm", cell: (row) => (row.type ? `${row.type} ${row.discount} %` : "–") },
    {
      header: "Run",
      from: "md",
      long: true,
      cell: (row) => h(Go, { to: toRun(row.run_id) }, row.run_key),
    },
    { header: "Given", from: "lg", cell: (row) => h(Time, { at: row.given_at }) },
    { header: "Sent", from: "md", cell: (row) => h(Time, { at: row.sent_at }) },
    { header: "Valid until", from: "lg", cell: (row) => h(Time, { at: row.expires_at }) },
    { header: "Why and when", cell: (row) => h(DetailButton, { row, contactId: owner(row) }) },
  ];
  return h(DataTable, { label, rows, columns, rowKey: (row) => `${row.run_id} ${owner(row)}` });
}

/** @typedef {{row: Given, contactId: string | number}} OneGiven */

function DetailButton(/** @type {OneGiven} */ { row, contactId }) {
  const [open, setOpen] = React.useState(false);
  const button = React.useRef(/** @type {HTMLButtonElement | null} */ (null));
  return h(
    C.Drawer.Root,
    {
      open,
      finalFocusEl: () => button.current,
      size: "md",
      lazyMount: true,
      unmountOnExit: true,
      onOpenChange: (/** @type {{open: boolean}} */ change) => setOpen(change.open),
    },
    h(
      C.Drawer.Trigger,
      { asChild: true },
      h(
        C.Button,
        { ref: button, size: "xs", variant: "outline", "aria-label": `Why and when: ${row.run_key}` },
        h(Glyph, { name: "search", size: 3 }),
        "Details",
      ),
    ),
    h(
      C.Portal,
      null,
      h(C.Drawer.Backdrop),
      h(
        C.Drawer.Positioner,
        null,
        h(
          C.Drawer.Content,
          { "data-testid": "promo-detail" },
          h(
            C.Drawer.Header,
            null,
            h(C.Drawer.Title, { overflowWrap: "anywhere" }, `Contact ${contactId} in ${row.run_key}`),
          ),
          h(C.Drawer.Body, null, h(Detail, { row, contactId })),
          h(C.Drawer.CloseTrigger, { asChild: true }, h(C.CloseButton, { size: "sm", "aria-label": "Close" })),
        ),
      ),
    ),
  );
}

function Detail(/** @type {OneGiven} */ { row, contactId }) {
  const loaded = useRoute(`runs/${path(row.run_id)}/people/${path(contactId)}`);
  return h(Shown, {
    loaded,
    what: "The detail",
    children: (/** @type {GivenDetail} */ detail) => {
      const one = { ...row, ...detail };
      return h(
        C.Stack,
        { gap: 4 },
        h(C.Text, null, detail.why || row.reason || ""),
        h(Facts, { wide: false, items: facts(one, contactId) }),
        h(C.Heading, { as: "h3", size: "sm" }, "Attempts"),
        h(Attempts, { attempts: detail.attempts }),
      );
    },
  });
}

/** @returns {[string, import("react").ReactNode][]} */
const facts = (/** @type {Given} */ one, /** @type {string | number} */ contactId) => [
  ["State", h(ContactBadge, { state: one.state })],
  ["Code", h(Reveal, { one, contactId })],
  ["Kind", one.type ? `${one.type} ${one.discount} %` : "–"],
  ["Valid until", h(Time, { at: one.expires_at })],
  ["Given", h(Time, { at: one.given_at })],
  ["Sent", h(Time, { at: one.sent_at })],
  ["On the profile", h(Time, { at: one.recorded_at })],
  ["Run", h(Go, { to: toRun(one.run_id) }, one.run_key)],
];

/** The code masked, and in full once a person who may asks for it. */
function Reveal(/** @type {{one: Given, contactId: string | number}} */ { one, contactId }) {
  const { rights } = useMe();
  const [code, setCode] = React.useState("");
  const [error, setError] = React.useState(/** @type {Error | null} */ (null));
  const reveal = () =>
    post(`runs/${path(one.run_id)}/people/${path(contactId)}/reveal`).then(
      (answer) => setCode(answer.code),
      (failure) => setError(failure),
    );
  if (!one.code_masked) return "–";
  return h(
    C.Flex,
    { gap: 2, wrap: "wrap", align: "center", "aria-live": "polite" },
    h(CodeText, null, code || one.code_masked),
    rights.reveal && !code
      ? h(
          C.Button,
          { size: "xs", variant: "outline", title: "Kept with your name in the audit", onClick: () => void reveal() },
          h(Glyph, { name: "eye" }),
          "Show in full",
        )
      : null,
    error ? h(Notice, { status: "error", title: "The code is not shown" }, error.message) : null,
  );
}

const Attempts = (/** @type {{attempts: Attempt[]}} */ { attempts }) =>
  h(DataTable, {
    label: "Attempts",
    rows: attempts,
    rowKey: (attempt) => `${attempt.at} ${attempt.purpose} ${attempt.outcome}`,
    columns: [
      { header: "When", cell: (attempt) => h(Time, { at: attempt.at }) },
      { header: "For", cell: (attempt) => attempt.purpose || "message" },
      { header: "Outcome", cell: (attempt) => attempt.outcome ?? "under way" },
      {
        header: "Answer",
        cell: (attempt) =>
          h(C.Box, { overflowWrap: "anywhere" }, [attempt.status, attempt.detail].filter(Boolean).join(": ") || "–"),
      },
    ],
    empty: h(Empty, { title: "No call was made" }),
  });
