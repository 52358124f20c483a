/** Who got which: a contact's codes, whose a code is, or the people of a run. */

import { Chakra as C, React, Router } from "../airflow_page.js";
import { post } from "../api.js";
import {
  CodeText,
  count,
  DataTable,
  Empty,
  Facts,
  Failed,
  Go,
  h,
  Loading,
  Page,
  Section,
  TextField,
  Time,
  toContact,
} from "../kit.js";
import { useMe } from "../shell.js";
import { useKept } from "../store.js";
import { ContactCodes, GivenTable } from "./contact_codes.js";
import { RunTable } from "./runs.js";

/** @import { FormEvent } from "react" */
/** @import { Contact, FoundCode, Given } from "../types.js" */
/** @typedef {"contact" | "code" | "run"} Kind */

export const WhoPage = () =>
  h(
    Router.Routes,
    null,
    h(Router.Route, { index: true, element: h(Search) }),
    h(Router.Route, { path: ":contactId", element: h(ContactPage) }),
  );

/** @type {Record<Kind, {label: string, help: string, field: string}>} */
const KINDS = {
  contact: { label: "A contact", field: "Contact", help: "Its id, its external id, its e-mail address or its number." },
  code: {
    label: "A code",
    field: "Code",
    help: "The code in full. That you looked is kept with your name in the audit.",
  },
  run: { label: "A run", field: "", help: "" },
};

function Search() {
  const { rights } = useMe();
  const [kind, setKind] = useKept("who got which by", /** @type {Kind} */ ("contact"));
  const kinds = /** @type {Kind[]} */ (rights.reveal ? ["contact", "code", "run"] : ["contact", "run"]);
  return h(
    Page,
    { title: "Who got which" },
    h(
      C.SegmentGroup.Root,
      {
        value: kind,
        alignSelf: "flex-start",
        "aria-label": "Search by",
        onValueChange: (/** @type {{value: any}} */ change) => setKind(change.value),
      },
      h(C.SegmentGroup.Indicator),
      h(C.SegmentGroup.Items, { items: kinds.map((value) => ({ value, label: KINDS[value].label })) }),
    ),
    kind === "run" ? h(RunTable) : h(Finder, { key: kind, kind }),
  );
}

const ask = {
  contact: (/** @type {string} */ text) => post("people/search", { text }),
  code: (/** @type {string} */ code) => post("codes/find", { code }),
};

/** @typedef {{busy: boolean, error: Error | null, answer: any, asked: string}} Found */

function Finder(/** @type {{kind: "contact" | "code"}} */ { kind }) {
  const [text, setText] = useKept(`sought ${kind}`, "");
  const [found, setFound] = useKept(
    `found ${kind}`,
    /** @type {Found} */ ({ busy: false, error: null, answer: null, asked: "" }),
  );
  const go = async () => {
    const asked = text.trim();
    if (!asked) return;
    setFound({ busy: true, error: null, answer: null, asked });
    try {
      setFound({ busy: false, error: null, answer: await ask[kind](asked), asked });
    } catch (error) {
      setFound({ busy: false, error: /** @type {Error} */ (error), answer: null, asked });
    }
  };
  const submit = (/** @type {FormEvent} */ event) => {
    event.preventDefault();
    void go();
  };
  const { field, help } = KINDS[kind];
  return h(
    React.Fragment,
    null,
    h(
      "form",
      { role: "search", onSubmit: submit },
      h(
        C.Flex,
        { gap: 3, align: "flex-start", wrap: "wrap" },
        h(TextField, {
          label: field,
          value: text,
          onChange: setText,
          help,
          mono: kind === "code",
          width: { base: "100%", sm: "420px" },
        }),
        h(
          C.Button,
          {
            type: "submit",
            size: "sm",
            colorPalette: "brand",
            mt: { base: 0, sm: "26px" },
            loading: found.busy,
            disabled: !text.trim(),
          },
          "Search",
        ),
      ),
    ),
    found.busy ? h(Loading) : null,
    found.error ? h(Failed, { error: found.error, again: () => void go(), what: "The answer" }) : null,
    found.answer ? (kind === "contact" ? h(Contacts, { found }) : h(Holders, { found })) : null,
  );
}

/** The contacts that fit; if it is one, its codes stand here at once. */
function Contacts(/** @type {{found: Found}} */ { found }) {
  /** @type {Contact[]} */
  const contacts = found.answer.contacts;
  if (contacts.length === 0)
    return h(Empty, { title: `No contact is ${found.asked}` }, "It must be the whole id, address or number.");
  if (contacts.length === 1) return h(ContactCodes, { contact: contacts[0] });
  return h(
    Section,
    { title: `${count(contacts.length)} contacts fit` },
    h(DataTable, { label: "Contacts", rows: contacts, rowKey: (contact) => contact.contact_id, columns: CONTACTS }),
  );
}

/** @type {import("../kit/table.js").Column[]} */
const CONTACTS = [
  { header: "Contact", cell: (contact) => h(Go, { to: toContact(contact.contact_id) }, String(contact.contact_id)) },
  { header: "External id", cell: (contact) => contact.external_id || "–" },
  {
    header: "Found by",
    cell: (contact) =>
      h(C.Box, { overflowWrap: "anywhere" }, [contact.channel, contact.shown].filter(Boolean).join(" ") || "its id"),
  },
];

function Holders(/** @type {{found: Found}} */ { found }) {
  const { code, items } = /** @type {{code: FoundCode | null, items: Given[]}} */ (found.answer);
  if (!code)
    return h(
      Empty,
      { title: "There is no such code" },
      "No file that was loaded had it. Codes are compared without regard to case and to spaces around them.",
    );
  return h(
    Section,
    { title: "The code" },
    h(Facts, { items: codeFacts(code) }),
    h(GivenTable, { rows: items, label: "Who got this code" }),
  );
}

const CODE_STATES = {
  given: "given to a contact",
  retired: "retired: it is not given out",
  free: "free: nobody has it",
};

/** @returns {[string, import("react").ReactNode][]} */
const codeFacts = (/** @type {FoundCode} */ code) => [
  ["Code", h(CodeText, null, code.code_masked)],
  ["State", CODE_STATES[code.state] ?? code.state],
  ["Kind", `${code.type} ${code.discount} %`],
  ["Valid until", h(Time, { at: code.expires_at })],
  ["From", code.file ? `${code.file}, line ${count(code.line)}` : "–"],
];

function ContactPage() {
  const { contactId = "" } = Router.useParams();
  return h(
    Page,
    { title: `Contact ${contactId}`, back: { to: "/plugin/promo/who", label: "Who got which" } },
    h(ContactCodes, { contact: { contact_id: contactId, external_id: null } }),
  );
}
