/** The page Inbox: the messages that the built-in transport kept in place of sending them. */

import { Chakra as C, React } from "../airflow_page.js";
import { Empty, Go, h, Notice, Page, PagedTable, Shown, Time } from "../kit.js";
import { useRoute } from "../store.js";
import { Drawing } from "./message/drawing.js";
import { toWorkflow } from "./workflows/list.js";

/** @import { InboxItem } from "../workflow_types.js" */
/** @import { Column } from "../kit/table.js" */

const PLACEHOLDER = "TEST-NO-CODE";
const WATCH_MS = 5_000;

export function InboxPage() {
  const [shown, setShown] = React.useState(/** @type {InboxItem | null} */ (null));
  return h(
    Page,
    { title: "Inbox" },
    h(
      Notice,
      { status: "info", title: "Nobody was sent these messages" },
      "Workflows whose transport is the inbox keep their messages here, to look at. Codes are masked.",
    ),
    h(PagedTable, {
      label: "Messages in the inbox",
      route: "inbox",
      watching: { every: WATCH_MS },
      rowKey: (row) => row.message_id,
      columns: columns(setShown),
      empty: h(Empty, { title: "The inbox is empty" }, "Trigger a workflow whose transport is the inbox, or send a test."),
    }),
    h(Opened, { item: shown, close: () => setShown(null) }),
  );
}

/** @returns {Column[]} */
const columns = (/** @type {(item: InboxItem) => void} */ show) => [
  { header: "Message", cell: (row) => h(Line, { item: row, show }) },
  { header: "Kept", cell: (row) => h(Time, { at: row.at }) },
  { header: "Contact", cell: (row) => h(Go, { to: `/plugin/promo/contacts/${row.contact_id}` }, String(row.contact_id)), from: "sm" },
  { header: "Channel", cell: (row) => [row.channel, row.locator].filter(Boolean).join(" · "), from: "md" },
  { header: "Workflow", cell: (row) => (row.workflow ? h(Go, { to: toWorkflow(row.workflow) }, row.workflow) : "–"), from: "lg" },
];

/** @param {{item: InboxItem, show: (item: InboxItem) => void}} props */
const Line = ({ item, show }) =>
  item.title === null && item.body === null
    ? h(C.Text, { color: "fg.muted" }, "of no run any more: its text is not shown")
    : h(
        C.Button,
        {
          variant: "plain",
          size: "sm",
          px: 0,
          height: "auto",
          minW: 0,
          maxW: { base: "200px", md: "420px" },
          textAlign: "start",
          whiteSpace: "normal",
          display: "block",
          onClick: () => show(item),
          "aria-haspopup": "dialog",
        },
        h(C.Text, { as: "span", display: "block", fontWeight: "medium", truncate: true, color: "fg.info" }, item.title || "(no title)"),
        h(C.Text, { as: "span", display: "block", color: "fg.muted", fontWeight: "normal", truncate: true }, item.body),
      );

/** @param {{item: InboxItem | null, close: () => void}} props */
const Opened = ({ item, close }) =>
  h(
    C.Dialog.Root,
    {
      open: item !== null,
      onOpenChange: (/** @type {{open: boolean}} */ change) => (change.open ? undefined : close()),
      size: item?.channel === "email" ? "cover" : "xl",
      scrollBehavior: "inside",
      lazyMount: true,
      unmountOnExit: true,
    },
    h(
      C.Portal,
      null,
      h(C.Dialog.Backdrop),
      h(
        C.Dialog.Positioner,
        { padding: 4 },
        h(
          C.Dialog.Content,
          null,
          h(C.Dialog.Header, null, h(C.Dialog.Title, { overflowWrap: "anywhere" }, item ? `To contact ${item.contact_id}` : "")),
          h(C.Dialog.Body, null, item ? h(Drawn, { item }) : null),
          h(C.Dialog.CloseTrigger, { asChild: true }, h(C.CloseButton, { size: "sm", "aria-label": "Close" })),
        ),
      ),
    ),
  );

/** A list has no HTML, so a mail is asked for when it is opened. @param {{item: InboxItem}} props */
function Drawn({ item }) {
  const loaded = useRoute(item.channel === "email" ? `inbox/${item.message_id}` : null);
  const drawn = (/** @type {string} */ html) =>
    h(Drawing, {
      message: { title: item.title ?? "", body: item.body ?? "", html, placeholder: PLACEHOLDER },
      channel: item.channel,
      to: item.locator,
    });
  if (item.channel !== "email") return drawn("");
  return h(Shown, { loaded, what: "The message", children: (/** @type {{html: string | null}} */ { html }) => drawn(html ?? "") });
}
