/** What a page shows when it has nothing to show: empty, loading, failed, stale, broken. */

import { Chakra as C, React } from "../airflow_page.js";
import { h } from "./element.js";
import { timeText } from "./format.js";

/** @import { ReactNode } from "react" */
/** @import { Loaded } from "../store.js" */

const SLOW_MS = 4_000;

/** A note of its own colour. `alert` is read out at once; the other kinds wait. */
export function Notice(
  /** @type {{status: "info" | "warning" | "error" | "success", title: string, children?: ReactNode, action?: ReactNode}} */
  { status, title, children, action },
) {
  return h(
    C.Alert.Root,
    { status, role: status === "error" ? "alert" : "status", alignItems: "center", flexWrap: "wrap", gap: 3 },
    h(C.Alert.Indicator),
    h(
      C.Alert.Content,
      { flex: "1 1 180px", minW: 0 },
      h(C.Alert.Title, { fontWeight: "semibold", overflowWrap: "anywhere" }, title),
      children ? h(C.Alert.Description, { overflowWrap: "anywhere" }, children) : null,
    ),
    action ?? null,
  );
}

const TryAgain = (/** @type {{again: () => void}} */ { again }) =>
  h(C.Button, { size: "sm", variant: "outline", onClick: again }, "Try again");

export const Failed = (
  /** @type {{error: Error, again: () => void, what?: string}} */ { error, again, what = "This" },
) =>
  h(Notice, { status: "error", title: `${what} could not be loaded`, action: h(TryAgain, { again }) }, error.message);

/** What was loaded before stays in sight when the newest cannot be had. */
export const Stale = (/** @type {{at: number, error: Error, again: () => void}} */ { at, error, again }) =>
  h(
    Notice,
    {
      status: "warning",
      title: `As of ${timeText(at)}: the newest could not be loaded`,
      action: h(TryAgain, { again }),
    },
    error.message,
  );

export function Loading(/** @type {{lines?: number, what?: string}} */ { lines = 4, what = "Loading" }) {
  const [slow, setSlow] = React.useState(false);
  React.useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_MS);
    return () => clearTimeout(timer);
  }, []);
  return h(
    C.Stack,
    { role: "status", "aria-label": what, gap: 3, py: 2 },
    slow
      ? h(C.Text, { color: "fg.muted" }, "This takes longer than usual. It appears as soon as the store answers.")
      : null,
    Array.from({ length: lines }, (_, line) =>
      h(C.Skeleton, { key: line, height: 5, width: line === lines - 1 ? "60%" : "100%" }),
    ),
  );
}

export const Empty = (
  /** @type {{title: string, children?: ReactNode, action?: ReactNode}} */ { title, children, action },
) =>
  h(
    C.EmptyState.Root,
    { size: "sm" },
    h(
      C.EmptyState.Content,
      null,
      h(
        C.VStack,
        { textAlign: "center" },
        h(C.EmptyState.Title, null, title),
        children ? h(C.EmptyState.Description, null, children) : null,
      ),
      action ?? null,
    ),
  );

/**
 * An answer in whichever of its states it is.
 *
 * @param {{loaded: Loaded & {reload: () => unknown}, what?: string, lines?: number, children: (data: any) => ReactNode}} props
 */
export function Shown({ loaded, what, lines, children }) {
  const { data, error, at, reload } = loaded;
  const again = () => void reload();
  if (data === undefined)
    return error
      ? h(Failed, { error, again, what })
      : h(Loading, { lines, what: what ? `${what} is loading` : undefined });
  return h(C.Stack, { gap: 4 }, error ? h(Stale, { at, error, again }) : null, children(data));
}

/** Keeps a fault of ours inside the part that has it: without it Airflow's whole content would go. */
export class Boundary extends React.Component {
  constructor(/** @type {{children?: ReactNode}} */ props) {
    super(props);
    this.state = { error: /** @type {Error | null} */ (null) };
  }

  static getDerivedStateFromError(/** @type {Error} */ error) {
    return { error };
  }

  render() {
    const { error } = /** @type {{error: Error | null}} */ (this.state);
    if (!error) return /** @type {{children?: ReactNode}} */ (this.props).children;
    const again = () => this.setState({ error: null });
    return h(
      Notice,
      { status: "error", title: "This part of the page broke", action: h(TryAgain, { again }) },
      String(error.message || error),
    );
  }
}
