/** The pages, in the order of their tabs. */

import { AuditPage } from "./pages/audit.js";
import { ChecksPage } from "./pages/checks.js";
import { CodesPage } from "./pages/codes.js";
import { ContactsPage } from "./pages/contacts.js";
import { InboxPage } from "./pages/inbox.js";
import { ReceiversPage } from "./pages/receivers.js";
import { RunsPage } from "./pages/runs.js";
import { WhoPage } from "./pages/who.js";
import { WorkflowsPage } from "./pages/workflows.js";

/** @import { PageEntry } from "./shell.js" */

/** @type {PageEntry[]} */
export const pages = [
  { path: "runs", label: "Runs", element: RunsPage },
  { path: "codes", label: "Codes", element: CodesPage },
  { path: "who", label: "Who got which", element: WhoPage },
  { path: "workflows", label: "Workflows", element: WorkflowsPage },
  { path: "contacts", label: "Contacts", element: ContactsPage },
  { path: "inbox", label: "Inbox", element: InboxPage },
  { path: "receivers", label: "Receivers", element: ReceiversPage },
  { path: "checks", label: "Checks", element: ChecksPage },
  { path: "audit", label: "Audit", element: AuditPage },
];
