/**
 * What the pages know, kept in this module: Airflow remounts a plugin's component at every change of the path, so
 * state of a component would be lost and every visit would begin with an empty page.
 */

import { React } from "./airflow_page.js";
import { get } from "./api.js";

/** @import { Params } from "./api.js" */

const KEPT_RESOURCES = 200;
const LONGEST_PAUSE_MS = 30_000;
export const LIVE_MS = 3_000;

/**
 * A value that several components share and that outlives them.
 *
 * @template T
 */
export class Cell {
  /** @type {Set<() => void>} */
  #watchers = new Set();

  constructor(/** @type {T} */ value) {
    this.value = value;
  }

  watch = (/** @type {() => void} */ watcher) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  set(/** @type {T} */ value) {
    this.value = value;
    this.#watchers.forEach((watcher) => watcher());
  }

  get watched() {
    return this.#watchers.size > 0;
  }
}

/** @template T @param {Cell<T>} cell @returns {T} */
export const useCell = (cell) => React.useSyncExternalStore(cell.watch, () => cell.value);

/** @type {Map<string, Cell<any>>} */
const kept = new Map();

/**
 * Like React.useState, but under a name and kept over remounts.
 *
 * @template T
 * @param {string} name
 * @param {T} initial
 * @returns {[T, (value: T) => void]}
 */
export function useKept(name, initial) {
  if (!kept.has(name)) kept.set(name, new Cell(initial));
  const cell = /** @type {Cell<T>} */ (kept.get(name));
  return [useCell(cell), (value) => cell.set(value)];
}

/**
 * @typedef {object} Loaded what is known of a route's answer
 * @property {any} data the last answer; undefined until there is one
 * @property {Error | null} error why the last call failed; null if it did not
 * @property {boolean} loading whether a call is under way
 * @property {number} at when the last answer came, in milliseconds; 0 if none has
 *
 * @typedef {object} Watching
 * @property {number} [every] milliseconds between two calls; without it the route is asked once a visit
 * @property {(data: any) => boolean} [settled] whether an answer is the last that is worth asking for
 * @property {boolean} [over] whether what the route tells of has ended: then it is asked once more, and no longer
 */

/** A route with its parameters, asked by the first that shows it, for all that show it. */
class Resource {
  /** @type {Cell<Loaded>} */
  cell = new Cell(/** @type {Loaded} */ ({ data: undefined, error: null, loading: false, at: 0 }));
  #users = 0;
  #failures = 0;
  /** @type {Watching} */
  #watching = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | undefined} */
  #call;

  constructor(/** @type {string} */ route, /** @type {Params} */ params) {
    this.route = route;
    this.params = params;
  }

  /** Begin to show it; what is returned ends that. */
  use(/** @type {Watching} */ watching) {
    this.#watching = watching;
    this.#users += 1;
    if (this.#users === 1) void this.load();
    return () => {
      this.#users -= 1;
      if (this.#users === 0) this.#stop();
    };
  }

  load = async () => {
    this.#stop();
    const call = new AbortController();
    this.#call = call;
    this.#note({ loading: true });
    try {
      const data = await get(this.route, this.params, call.signal);
      if (call.signal.aborted) return;
      this.#failures = 0;
      this.#note({ data, error: null, loading: false, at: Date.now() });
    } catch (error) {
      if (call.signal.aborted) return;
      this.#failures += 1;
      this.#note({ error: /** @type {Error} */ (error), loading: false });
    }
    this.#schedule();
  };

  #note(/** @type {Partial<Loaded>} */ part) {
    this.cell.set({ ...this.cell.value, ...part });
  }

  #stop() {
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#whenSeen);
    this.#call?.abort();
  }

  #schedule() {
    const { every, settled, over } = this.#watching;
    const { data, error } = this.cell.value;
    if (!every || this.#users === 0 || (!error && (over || settled?.(data)))) return;
    const pause = Math.min(every * 2 ** this.#failures, Math.max(every, LONGEST_PAUSE_MS));
    this.#timer = setTimeout(() => this.#again(), pause);
  }

  /** A page that nobody looks at asks nothing; it asks at once when it is looked at again. */
  #again() {
    if (document.hidden) document.addEventListener("visibilitychange", this.#whenSeen);
    else void this.load();
  }

  #whenSeen = () => {
    document.removeEventListener("visibilitychange", this.#whenSeen);
    this.#again();
  };
}

/** @type {Map<string, Resource>} */
const resources = new Map();

const nameOf = (/** @type {string} */ route, /** @type {Params} */ params) => `${route}?${JSON.stringify(params)}`;

function resource(/** @type {string} */ route, /** @type {Params} */ params) {
  const name = nameOf(route, params);
  const found = resources.get(name) ?? new Resource(route, params);
  if (!resources.has(name)) forgetOldest();
  resources.delete(name); // what is shown last stands last
  resources.set(name, found);
  return found;
}

/** A tab may stay open for weeks: what nobody shows is forgotten, the oldest first. */
function forgetOldest() {
  for (const [name, { cell }] of resources) {
    if (resources.size < KEPT_RESOURCES) return;
    if (!cell.watched) resources.delete(name);
  }
}

const NOTHING = new Resource("", {});

/**
 * Show what a route answers, now and, if it is watched, from then on.
 *
 * @param {string | null} route null while there is nothing to ask for
 * @param {Params} params
 * @param {Watching} watching
 * @returns {Loaded & {reload: () => Promise<void>}}
 */
export function useRoute(route, params = {}, watching = {}) {
  const shown = route === null ? NOTHING : resource(route, params);
  const loaded = useCell(shown.cell);
  React.useEffect(() => (route === null ? undefined : shown.use(watching)), [shown, watching.over]);
  return { ...loaded, reload: shown.load };
}

/** Ask again for everything that is shown and whose route begins so: something was done that changes it. */
export function refresh(/** @type {string[]} */ ...beginnings) {
  for (const found of resources.values()) {
    if (found.cell.watched && beginnings.some((start) => found.route.startsWith(start))) void found.load();
  }
}
