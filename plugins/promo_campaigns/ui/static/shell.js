/** What stands around every page: the tabs, the note that all sending is stopped, the toasts. */

import { Chakra as C, React, Router } from "./airflow_page.js";
import { post } from "./api.js";
import { Act, Boundary, h, Notice, timeText, Toasts } from "./kit.js";
import { refresh, useRoute } from "./store.js";

/** @import { ReactNode } from "react" */
/** @import { Me } from "./types.js" */
/** @typedef {{path: string, label: string, element: () => ReactNode}} PageEntry a page, and its sub-pages below its path */

const ROOT = "/plugin/promo";
const ME_MS = 15_000;
const NO_RIGHTS = { act: false, reveal: false, export: false };

/** Who is signed in, and what they may do. Until that is known, nothing. @returns {Me} */
export const useMe = () =>
  useRoute("me", {}, { every: ME_MS }).data ?? {
    user: "",
    rights: NO_RIGHTS,
    version: "",
    workflows: [],
    sending_stopped: null,
  };

const Tab = (/** @type {{entry: PageEntry}} */ { entry }) =>
  h(
    Router.NavLink,
    { to: `${ROOT}/${entry.path}` },
    /** @type {any} */ (
      (/** @type {{isActive: boolean}} */ { isActive }) =>
        h(
          C.Center,
          {
            height: "40px",
            px: 4,
            mb: "-2px",
            whiteSpace: "nowrap",
            fontWeight: "bold",
            borderBottomColor: "border.info",
            borderBottomWidth: isActive ? 3 : 0,
            color: isActive ? "fg" : "fg.muted",
            _hover: { color: "fg" },
          },
          entry.label,
        )
    ),
  );

const Tabs = (/** @type {{pages: PageEntry[]}} */ { pages }) =>
  h(
    C.Flex,
    {
      as: "nav",
      "aria-label": "Promo",
      borderBottomWidth: 1,
      borderBottomColor: "border.emphasized",
      overflowX: "auto",
      flexShrink: 0,
      mb: 4,
    },
    pages.map((entry) => h(Tab, { key: entry.path, entry })),
  );

/** Says on every page that nobody is sent anything, and by whose will. */
export function SendingStopped() {
  const { rights, sending_stopped: stopped } = useMe();
  if (!stopped) return null;
  const start = h(Act, {
    label: "Let sending go on",
    title: "Let sending go on?",
    verb: "Let it go on",
    done: "Sending goes on",
    icon: "play",
    reason: "optional",
    effect: { sentence: "Every workflow sends again. Runs that wait take up their work within a minute." },
    act: (reason) => post("sending/start", { reason }),
    onDone: () => refresh("me", "runs", "strip"),
  });
  return h(
    Notice,
    { status: "warning", title: "All sending is stopped", action: rights.act ? start : undefined },
    `${stopped.by} stopped it at ${timeText(stopped.at)}${stopped.reason ? `: ${stopped.reason}` : "."}`,
  );
}

/** The root of anything of ours within Airflow's page: a fault of ours stays inside it. */
export const Root = (/** @type {{children?: ReactNode, scroll?: boolean}} */ { children, scroll = true }) =>
  h(
    C.Box,
    {
      "data-testid": "promo",
      p: scroll ? 4 : 0,
      height: scroll ? "100%" : undefined,
      overflowY: scroll ? "auto" : undefined,
      minW: 0,
    },
    h(Boundary, null, scroll ? h(Settled, null, children) : children),
    h(Toasts),
  );

const THIS_PAGE = performance.timeOrigin; // a reload keeps the state of the history's entry, but not the components
let settled = false;

/**
 * Airflow remounts a plugin's component once more when the route changes for the first time, and a dialog that is open
 * then is gone. So the route is changed at once, to what it is, and nothing is shown before that.
 */
function Settled(/** @type {{children?: ReactNode}} */ { children }) {
  const navigate = Router.useNavigate();
  const { pathname, search, hash, state } = Router.useLocation();
  if (state?.settled === THIS_PAGE) settled = true;
  React.useEffect(() => {
    if (!settled) void navigate({ pathname, search, hash }, { replace: true, state: { settled: THIS_PAGE } });
  }, []);
  return settled ? children : null;
}

export function Shell(/** @type {{pages: PageEntry[]}} */ { pages }) {
  return h(
    Root,
    null,
    h(Tabs, { pages }),
    h(
      C.Stack,
      { as: "main", gap: 4 },
      h(SendingStopped),
      h(
        Boundary,
        null,
        h(
          Router.Routes,
          null,
          h(Router.Route, {
            index: true,
            element: h(Router.Navigate, { to: `${ROOT}/${pages[0].path}`, replace: true }),
          }),
          pages.map(({ path, element }) => h(Router.Route, { key: path, path: `${path}/*`, element: h(element) })),
          h(Router.Route, {
            path: "*",
            element: h(Notice, { status: "info", title: "There is no such page" }, "Choose one of the tabs above."),
          }),
        ),
      ),
    ),
  );
}
