/** The page Contacts: find one, its profile, its fields, its history; show in full; erase. */

import { Chakra as C, React, Router } from "../airflow_page.js";
import { path, post } from "../api.js";
import {
  Act,
  CodeText,
  ContactBadge,
  DataTable,
  Empty,
  Facts,
  Go,
  GoButton,
  h,
  Notice,
  Page,
  PagedTable,
  Section,
  Shown,
  Time,
  toContact,
  toRun,
} from "../kit.js";
import { useMe } from "../shell.js";
import { useKept, useRoute } from "../store.js";
import { ContactSearch } from "./contact_search.js";

/** @import { ContactDetail } from "../workflow_types.js" */

const ROOT = "/plugin/promo/contacts";

export const ContactsPage = () =>
  h(
    Router.Routes,
    null,
    h(Router.Route, { index: true, element: h(Search) }),
    h(Router.Route, { path: ":contactId", element: h(OneContact) }),
  );

function Search() {
  const navigate = Router.useNavigate();
  return h(
    Page,
    { title: "Contacts" },
    h(ContactSearch, { onChoose: (contact) => void navigate(`${ROOT}/${path(contact.contact_id)}`) }),
    h(
      Empty,
      { title: "Look for a contact" },
      "By its contact id, its external id, an address or a number. What is typed is looked for as a whole, and is not kept.",
    ),
  );
}

function OneContact() {
  const { contactId = "" } = Router.useParams();
  const [inFull, setInFull] = React.useState(false);
  const [isErased, setErased] = useKept(`contact ${contactId} was erased`, false);
  const loaded = useRoute(isErased ? null : `contacts/${path(contactId)}`, inFull ? { reveal: true } : {});
  const hasActs = !isErased && (loaded.data || !loaded.error);
  return h(
    Page,
    {
      title: `Contact ${contactId}`,
      back: { to: ROOT, label: "Contacts" },
      actions: [
        h(GoButton, { key: "codes", to: toContact(contactId) }, "Its codes"),
        hasActs ? h(Rights, { key: "rights", contactId, inFull, setInFull, setErased }) : null,
      ],
    },
    isErased ? h(Erased, { contactId }) : h(Shown, { loaded, what: "The contact", children: (contact) => h(Profile, { contact }) }),
  );
}

/** What is left of a contact: which codes it was given, so that nobody else is. @param {{contactId: string}} props */
const Erased = ({ contactId }) =>
  h(
    C.Stack,
    { gap: 5 },
    h(
      Notice,
      { status: "info", title: "This contact was erased" },
      "Its identity is gone. Its codes stay given out, and are listed below.",
    ),
    h(History, { contactId }),
  );

/**
 * @param {{contactId: string, inFull: boolean, setInFull: (inFull: boolean) => void,
 *   setErased: (isErased: boolean) => void}} props
 */
function Rights({ contactId, inFull, setInFull, setErased }) {
  const { rights } = useMe();
  return h(
    React.Fragment,
    null,
    rights.reveal
      ? inFull
        ? h(C.Button, { size: "sm", variant: "outline", onClick: () => setInFull(false) }, "Mask it again")
        : h(Act, {
            label: "Show in full",
            icon: "eye",
            title: `Show contact ${contactId} in full?`,
            verb: "Show",
            done: "Shown in full",
            effect: {
              sentence: "Addresses, numbers and fields are shown unmasked until you leave this page. That you looked is kept in the audit.",
            },
            act: async () => setInFull(true),
          })
      : null,
    rights.export
      ? h(Act, {
          label: "Erase",
          danger: true,
          title: `Erase contact ${contactId} for good?`,
          verb: "Erase",
          done: "The contact was erased",
          reason: "required",
          effectRoute: `contacts/${path(contactId)}/erase/effect`,
          act: (reason) => post(`contacts/${path(contactId)}/erase`, { reason }),
          onDone: () => setErased(true),
        })
      : null,
  );
}

/** @param {{contact: ContactDetail}} props */
const Profile = ({ contact }) =>
  h(
    C.Stack,
    { gap: 5 },
    h(
      Section,
      { title: "Profile" },
      h(Facts, {
        items: [
          ["External id", contact.external_id ?? "–"],
          ["Name", [contact.first_name, contact.last_name].filter(Boolean).join(" ") || "–"],
          ["Language", contact.language ?? "–"],
          ["Time zone", contact.time_zone ?? "–"],
        ],
      }),
    ),
    h(
      C.Grid,
      { templateColumns: { base: "minmax(0, 1fr)", xl: "minmax(0, 1fr) minmax(0, 1fr)" }, gap: 5, alignItems: "start" },
      h(Section, { title: "Channels" }, h(Channels, { contact })),
      h(Section, { title: "Fields" }, h(Fields, { contact })),
    ),
    h(History, { contactId: contact.contact_id }),
  );

/** @param {{contact: ContactDetail}} props */
const Channels = ({ contact }) =>
  h(DataTable, {
    label: "Channels",
    rows: contact.channels,
    rowKey: (row) => `${row.type} ${row.value}`,
    empty: h(Empty, { title: "No channel" }, "Nothing can be sent to this contact."),
    columns: [
      { header: "Channel", cell: (row) => row.type },
      {
        header: "Address, number or token",
        cell: (row) => h(C.Text, { as: "span", fontFamily: "mono", overflowWrap: "anywhere" }, row.value),
      },
      {
        header: "Closed",
        cell: (row) =>
          row.closed_at
            ? h(C.Box, null, row.closed_for, ", ", h(Time, { at: row.closed_at }), row.closed_by ? ` (${row.closed_by})` : null)
            : "–",
      },
    ],
  });

/** @param {{contact: ContactDetail}} props */
const Fields = ({ contact }) =>
  h(DataTable, {
    label: "Fields",
    rows: contact.fields,
    rowKey: (row) => row.id,
    empty: h(Empty, { title: "No field has a value" }),
    columns: [
      {
        header: "Field",
        cell: (row) => h(C.Box, null, row.name, h(C.Text, { fontSize: "xs", color: "fg.muted" }, `${row.id}, ${row.type}`)),
      },
      { header: "Value", long: true, cell: (row) => h(C.Text, { as: "span", whiteSpace: "pre-line" }, row.value) },
    ],
  });

/** @param {{contactId: string | number}} props */
const History = ({ contactId }) =>
  h(Section, { title: "History", note: "The runs the contact was in, the newest first." }, h(Runs, { contactId }));

/** @param {{contactId: string | number}} props */
const Runs = ({ contactId }) =>
  h(PagedTable, {
    label: "History of the contact",
    route: `people/${path(contactId)}/codes`,
    rowKey: (row) => row.run_id,
    empty: h(Empty, { title: "This contact was in no run yet" }),
    columns: [
      { header: "Run", long: true, cell: (row) => h(Go, { to: toRun(row.run_id) }, row.run_key) },
      {
        header: "State",
        cell: (row) =>
          h(
            C.Stack,
            { gap: 1, align: "flex-start" },
            h(ContactBadge, { state: row.state }),
            row.reason ? h(C.Text, { fontSize: "sm" }, row.reason) : null,
          ),
      },
      { header: "Code", cell: (row) => h(CodeText, null, row.code_masked) },
      { header: "Sent", cell: (row) => h(Time, { at: row.sent_at }), from: "md" },
    ],
  });
