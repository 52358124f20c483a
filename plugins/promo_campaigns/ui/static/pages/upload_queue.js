/** The files on their way to the inbox. They go on while a person looks at another page of Airflow. */

import { ApiError, get, upload } from "../api.js";
import { Cell, LIVE_MS, refresh } from "../store.js";

/** @import { UploadState } from "../types.js" */

/**
 * @typedef {object} Sent
 * @property {number} id
 * @property {string} name as the inbox has it, once it is there
 * @property {number} size
 * @property {number} sent bytes that left the browser
 * @property {"queued" | "sending" | "waiting" | "loaded" | "rejected" | "failed" | "stopped"} state
 * @property {string} [error]
 * @property {UploadState["report"]} [report] what the load said of the rows
 * @property {{dag_id: string, paused: boolean | null}} [loader] the DAG that loads it; paused is null where there is none
 * @property {number | null} [fileId]
 */

/** @type {Cell<Sent[]>} */
export const queue = new Cell(/** @type {Sent[]} */ ([]));

/** @type {Map<number, {file: File, stop: AbortController}>} */
const pending = new Map();
const MOST_NAMES = 50;
let lastId = 0;
let busy = false;
let asking = false;

export function add(/** @type {File[]} */ files) {
  const fresh = files.map((file) => {
    lastId += 1;
    pending.set(lastId, { file, stop: new AbortController() });
    return { id: lastId, name: file.name, size: file.size, sent: 0, state: /** @type {const} */ ("queued") };
  });
  queue.set([...fresh, ...queue.value]);
  void sendAll();
}

export function stop(/** @type {number} */ id) {
  pending.get(id)?.stop.abort();
  if (find(id)?.state === "queued") note(id, { state: "stopped" });
}

export const forget = (/** @type {number} */ id) => queue.set(queue.value.filter((one) => one.id !== id));

const find = (/** @type {number} */ id) => queue.value.find((one) => one.id === id);
const note = (/** @type {number} */ id, /** @type {Partial<Sent>} */ part) =>
  queue.set(queue.value.map((one) => (one.id === id ? { ...one, ...part } : one)));

/** One after another: two at once would share the line and end no sooner. */
async function sendAll() {
  if (busy) return;
  busy = true;
  window.addEventListener("beforeunload", warn);
  let next;
  while ((next = queue.value.findLast((one) => one.state === "queued"))) await send(next.id);
  window.removeEventListener("beforeunload", warn);
  busy = false;
}

/** A closed tab leaves nothing half in the inbox, but the file would have to be sent anew. */
const warn = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();

async function send(/** @type {number} */ id) {
  const { file, stop: stopper } = /** @type {{file: File, stop: AbortController}} */ (pending.get(id));
  note(id, { state: "sending" });
  try {
    const answer = await upload(
      "codes/uploads",
      { name: file.name },
      file,
      (sent) => note(id, { sent }),
      stopper.signal,
    );
    note(id, { state: "waiting", sent: file.size, name: answer.name, loader: answer.loader });
    void watchLoads();
  } catch (error) {
    const stopped = /** @type {Error} */ (error).name === "AbortError";
    note(id, stopped ? { state: "stopped" } : { state: "failed", error: said(error) });
  } finally {
    pending.delete(id);
  }
}

const said = (/** @type {unknown} */ error) =>
  error instanceof ApiError ? error.message : `The upload failed: ${error}`;

const pause = () => new Promise((resolve) => setTimeout(resolve, LIVE_MS));

/** Ask what became of the files in the inbox until the loading DAG has taken each of them. */
async function watchLoads() {
  if (asking) return;
  asking = true;
  for (;;) {
    await pause();
    const waiting = queue.value.filter((one) => one.state === "waiting");
    if (waiting.length === 0) break;
    if (!document.hidden) await askAbout(waiting).catch(() => undefined); // it is asked again
  }
  asking = false;
}

async function askAbout(/** @type {Sent[]} */ waiting) {
  const names = [...new Set(waiting.map((one) => one.name))].slice(0, MOST_NAMES);
  /** @type {UploadState[]} */
  const states = await get("codes/uploads", { names }, AbortSignal.timeout(10 * LIVE_MS));
  for (const one of waiting) {
    const now = states.find((state) => state.name === one.name);
    if (!now || now.state === "waiting") continue;
    note(one.id, { state: now.state, error: now.error ?? undefined, report: now.report, fileId: now.code_file_id });
    refresh("codes", "strip");
  }
}
