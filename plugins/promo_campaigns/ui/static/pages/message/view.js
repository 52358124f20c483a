/** The message of a workflow as one contact would get it, beside the requests that will be posted. */

import { Chakra as C, Router } from "../../airflow_page.js";
import { path } from "../../api.js";
import { Choice, dayText, Facts, Go, h, Notice, Section, Shown, toContact } from "../../kit.js";
import { ContactSearch } from "../contact_search.js";
import { useAsked } from "./asked.js";
import { Drawing } from "./drawing.js";
import { Requests } from "./request.js";

/** @import { MessageAnswer, MessageCall, Workflow } from "../../workflow_types.js" */

const OWN = "as the contact's own";

/** Who is looked at stands in the address, so that a view can be passed on and survives a reload. */
export function MessageView(/** @type {{workflow: Workflow}} */ { workflow }) {
  const [search, setSearch] = Router.useSearchParams();
  const contact = search.get("contact");
  const language = search.get("language");
  const go = (/** @type {Record<string, string | null>} */ wanted) =>
    setSearch(
      new URLSearchParams(
        Object.entries({ contact, language, ...wanted })
          .flatMap(([name, value]) => (value ? [`${name}=${encodeURIComponent(value)}`] : []))
          .join("&"),
      ),
    );
  const asked = { contact_id: contact ? Number(contact) : null, ...(language ? { language } : {}) };
  const loaded = useAsked(`workflows/${path(workflow.dag_id)}/message`, asked);
  return h(
    C.Stack,
    { gap: 5 },
    h(
      C.Flex,
      { gap: 4, wrap: "wrap", align: "flex-start" },
      h(ContactSearch, { label: "See it as", onChoose: (found) => go({ contact: String(found.contact_id) }) }),
      h(Languages, { answer: loaded.data, language, onChange: (value) => go({ language: value }) }),
    ),
    h(Shown, { loaded, what: "The message", lines: 8, children: (answer) => h(Answer, { answer, workflow, chosen: Boolean(contact) }) }),
  );
}

/** @param {{answer: MessageAnswer | undefined, language: string | null, onChange: (language: string) => void}} props */
function Languages({ answer, language, onChange }) {
  const variants = answer?.variants ?? [];
  if (variants.length < 2) return null;
  const options = variants
    .filter((one) => one.language)
    .map(({ language: tag, name }) => ({ value: String(tag), label: `${languageName(String(tag))} (${name})` }));
  return h(Choice, { label: "Language", value: language ?? "", all: OWN, options, onChange, width: { base: "100%", sm: "280px" } });
}

function languageName(/** @type {string} */ tag) {
  try {
    return new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** @param {{answer: MessageAnswer, workflow: Workflow, chosen: boolean}} props */
function Answer({ answer, workflow, chosen }) {
  const placeholder = answer.code;
  const requests = answer.requests ?? (answer.request ? [answer.request] : []);
  return h(
    C.Stack,
    { gap: 5 },
    h(Remarks, { answer, chosen }),
    h(
      C.Grid,
      {
        templateColumns: answer.channel === "email" ? "minmax(0, 1fr)" : { base: "minmax(0, 1fr)", xl: "660px minmax(0, 1fr)" },
        gap: 5,
        alignItems: "start",
      },
      h(
        Section,
        { title: "What the contact sees" },
        h(Whom, { answer }),
        h(Drawing, {
          message: { ...answer, placeholder },
          channel: answer.channel,
          from: senderOf(requests),
          to: answer.locator ?? undefined,
        }),
      ),
      h(Requests, { requests, isInbox: workflow.is_inbox, placeholder }),
    ),
  );
}

/** Who a mail is from, where the request says so. */
const senderOf = (/** @type {MessageCall[]} */ requests) => requests.find((call) => call.purpose === "message")?.headers?.From;

const Whom = (/** @type {{answer: MessageAnswer}} */ { answer }) =>
  h(Facts, {
    wide: answer.channel === "email",
    items: [
      ["Contact", h(Go, { to: toContact(answer.contact_id) }, String(answer.contact_id))],
      ["Channel", [answer.channel, answer.locator].filter(Boolean).join(" · ")],
      ["Text", answer.variants.find((one) => one.chosen)?.name ?? "–"],
      ["Code until", dayText(answer.expires_at)],
    ],
  });

/** @param {{answer: MessageAnswer, chosen: boolean}} props */
const Remarks = ({ answer, chosen }) =>
  h(
    C.Stack,
    { gap: 2 },
    chosen
      ? null
      : h(
          C.Text,
          { fontSize: "sm", color: "fg.muted" },
          `Contact ${answer.contact_id} is the first of the audience. No code is given out by looking: the placeholder ${answer.code} stands in its place.`,
        ),
    answer.would_be && answer.would_be.state !== "send"
      ? h(
          Notice,
          { status: "warning", title: "A run would not send this contact the message" },
          answer.would_be.reason ?? answer.would_be.state,
        )
      : null,
    answer.warnings.map((warning) => h(Notice, { key: warning, status: "warning", title: "To be known" }, warning)),
  );
