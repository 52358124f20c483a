/** Find a contact by its id, external id, address or number. */

import { Chakra as C, React } from "../airflow_page.js";
import { post } from "../api.js";
import { Glyph, h, TextField } from "../kit.js";

/** @import { FormEvent } from "react" */
/** @import { Contact } from "../types.js" */

const HELP = "Contact id, external id, address or number";

/** How a contact is named in a list of those found. */
const nameOf = (/** @type {Contact} */ { contact_id: id, external_id: external, shown }) =>
  [`contact ${id}`, external, ...[shown].flat()].filter(Boolean).join(" · ");

/**
 * A field and a button; the only contact that is found is chosen at once.
 *
 * @param {{label?: string, verb?: string, onChoose: (contact: Contact) => void}} props
 */
export function ContactSearch({ label = "Contact", verb = "Show", onChoose }) {
  const [text, setText] = React.useState("");
  const [found, setFound] = React.useState({ busy: false, contacts: /** @type {Contact[]} */ ([]), said: "" });
  const choose = (/** @type {Contact} */ contact) => {
    setFound({ busy: false, contacts: [], said: "" });
    setText("");
    onChoose(contact);
  };
  const search = async (/** @type {FormEvent} */ event) => {
    event.preventDefault();
    if (!text.trim() || found.busy) return;
    setFound({ busy: true, contacts: [], said: "" });
    try {
      const { contacts } = await post("people/search", { text: text.trim() });
      if (contacts.length === 1) choose(contacts[0]);
      else
        setFound({
          busy: false,
          contacts,
          said: contacts.length ? "Several contacts are meant; choose one:" : `No contact is known as ${text.trim()}.`,
        });
    } catch (error) {
      setFound({ busy: false, contacts: [], said: /** @type {Error} */ (error).message });
    }
  };
  return h(
    C.Stack,
    { gap: 2, minW: 0 },
    h(
      C.Flex,
      { as: "form", role: "search", onSubmit: search, gap: 2, wrap: "wrap", align: "flex-end" },
      h(TextField, { label, value: text, onChange: setText, placeholder: HELP, width: { base: "100%", sm: "330px" } }),
      h(C.Button, { type: "submit", size: "sm", variant: "outline", loading: found.busy }, h(Glyph, { name: "search" }), verb),
    ),
    h(C.Box, { "aria-live": "polite" }, found.said ? h(C.Text, { fontSize: "sm", color: "fg.muted" }, found.said) : null),
    found.contacts.length
      ? h(
          C.Flex,
          { gap: 2, wrap: "wrap" },
          found.contacts.map((contact) =>
            h(C.Button, { key: contact.contact_id, size: "sm", variant: "subtle", onClick: () => choose(contact) }, nameOf(contact)),
          ),
        )
      : null,
  );
}
