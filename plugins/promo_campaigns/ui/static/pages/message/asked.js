/** Questions that are asked with a POST, since they name a contact and belong in no address and no log of addresses. */

import { React } from "../../airflow_page.js";
import { post } from "../../api.js";
import { Cell, useCell } from "../../store.js";

/** @import { Loaded } from "../../store.js" */

const KEPT = 40;

/** @type {Map<string, Cell<Loaded>>} */
const answers = new Map();

function cellOf(/** @type {string} */ name) {
  const found = answers.get(name) ?? new Cell(/** @type {Loaded} */ ({ data: undefined, error: null, loading: false, at: 0 }));
  answers.delete(name);
  answers.set(name, found);
  for (const [oldest, cell] of answers) if (answers.size > KEPT && !cell.watched) answers.delete(oldest);
  return found;
}

async function ask(/** @type {Cell<Loaded>} */ cell, /** @type {string} */ route, /** @type {unknown} */ body) {
  if (cell.value.loading) return;
  cell.set({ ...cell.value, loading: true });
  try {
    cell.set({ data: await post(route, body), error: null, loading: false, at: Date.now() });
  } catch (error) {
    cell.set({ ...cell.value, error: /** @type {Error} */ (error), loading: false });
  }
}

/**
 * What a route answers to a body, kept over remounts; asked again at each visit, while the last answer is shown.
 *
 * @param {string} route
 * @param {Record<string, unknown>} body
 * @returns {Loaded & {reload: () => Promise<void>}}
 */
export function useAsked(route, body) {
  const name = `${route} ${JSON.stringify(body)}`;
  const cell = React.useMemo(() => cellOf(name), [name]);
  const loaded = useCell(cell);
  const reload = () => ask(cell, route, body);
  React.useEffect(() => void reload(), [cell]);
  return { ...loaded, reload };
}
