/** Calls of the JSON routes. Every address is reckoned from this file's own, so that a base path does not matter. */

import { airflowAddress } from "./airflow_page.js";

const ROUTES = new URL("../../api/", import.meta.url);
const SILENCE_MS = 30_000;

/** @typedef {Record<string, string | number | boolean | null | undefined | string[]>} Params a list is given one by one */

/** What a route answered in place of what was asked for. Its message is a sentence to show. */
export class ApiError extends Error {
  constructor(/** @type {number} */ status, /** @type {string} */ message) {
    super(message);
    this.status = status;
  }
}

/** The address of a route; parameters that are empty are left out. */
export function address(/** @type {string} */ path, /** @type {Params} */ params = {}) {
  const url = new URL(path, ROUTES);
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of [value].flat()) url.searchParams.append(name, String(one));
  }
  return url;
}

/** A path of which each part may hold any character. */
export const path = (/** @type {(string | number)[]} */ ...parts) => parts.map(encodeURIComponent).join("/");

export const get = (
  /** @type {string} */ route,
  /** @type {Params} */ params = {},
  /** @type {AbortSignal} */ signal,
) => call("GET", address(route, params), undefined, signal).then(read);

export const post = (/** @type {string} */ route, /** @type {unknown} */ body = {}) => write("POST", route, body);
export const put = (/** @type {string} */ route, /** @type {unknown} */ body = {}) => write("PUT", route, body);
export const remove = (/** @type {string} */ route, /** @type {unknown} */ body = {}) => write("DELETE", route, body);

/** Ask for a file with a POST, and hand it to the browser's downloads. */
export async function download(/** @type {string} */ route, /** @type {unknown} */ body, /** @type {string} */ name) {
  const answer = await call("POST", address(route), JSON.stringify(body), undefined, 0);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Send a file as it is. fetch tells no progress of an upload, so this is an XMLHttpRequest.
 *
 * @param {string} route
 * @param {Params} params
 * @param {File} file
 * @param {(sent: number) => void} onProgress is told how many bytes left the browser
 * @param {AbortSignal} signal
 * @returns {Promise<any>} what the route answered
 */
export function upload(route, params, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address(route, params));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onerror = () =>
      reject(new ApiError(0, "The upload broke off: the server was not reached or closed the connection."));
    request.onabort = () => reject(new DOMException("The upload was stopped.", "AbortError"));
    request.onload = () => {
      if (mustSignIn(request.status, request.responseText)) return signIn();
      if (request.status >= 300) return reject(new ApiError(request.status, sentence(request.status, request.responseText)));
      try {
        resolve(JSON.parse(request.responseText));
      } catch {
        reject(strange(request.status));
      }
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

async function write(/** @type {string} */ method, /** @type {string} */ route, /** @type {unknown} */ body) {
  const answer = await call(method, address(route), JSON.stringify(body));
  return answer.status === 204 ? null : read(answer);
}

/** What an answer holds. Something else than Airflow may have answered, with a page of its own. */
const read = (/** @type {Response} */ answer) =>
  answer.json().catch((error) => {
    throw error instanceof SyntaxError ? strange(answer.status) : unreached(error);
  });

const strange = (/** @type {number} */ status) =>
  new ApiError(status, "The answer is not Airflow's: a proxy in front of it may have answered in its place.");

/**
 * @param {string} method
 * @param {URL} url
 * @param {string} [body]
 * @param {AbortSignal} [signal]
 * @param {number} silence milliseconds after which the call is given up; 0 for never
 * @returns {Promise<Response>}
 */
async function call(method, url, body, signal, silence = SILENCE_MS) {
  const given = [signal, silence ? AbortSignal.timeout(silence) : undefined].filter((one) => one !== undefined);
  const answer = await fetch(url, {
    method,
    body,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    signal: AbortSignal.any(given),
  }).catch((error) => {
    throw unreached(error);
  });
  if (answer.ok) return answer;
  const text = await answer.text();
  if (mustSignIn(answer.status, text)) return signIn();
  throw new ApiError(answer.status, sentence(answer.status, text));
}

function unreached(/** @type {any} */ error) {
  if (error.name === "AbortError") return error;
  if (error.name === "TimeoutError")
    return new ApiError(0, `Airflow has not answered for ${SILENCE_MS / 1000} seconds.`);
  return new ApiError(0, "Airflow could not be reached.");
}

/** Airflow's own redirect to the sign-in page is in its own client, so a plugin's calls have to do it themselves. */
const mustSignIn = (/** @type {number} */ status, /** @type {string} */ text) =>
  status === 401 || (status === 403 && text.includes("Invalid JWT token"));

/** @returns {Promise<never>} one that never ends: the page is being left */
function signIn() {
  location.replace(airflowAddress(`api/v2/auth/login?next=${encodeURIComponent(location.href)}`));
  return new Promise(() => undefined);
}

/** What to tell a person of an answer: the routes' own sentence, or one for what a proxy in front answers. */
function sentence(/** @type {number} */ status, /** @type {string} */ text) {
  const said = detail(text);
  if (said) return said;
  if (status === 413) return "The file is larger than a proxy in front of Airflow lets through.";
  if (status === 403) return "You do not have the right to do this.";
  return `Airflow answered with status ${status}.`;
}

function detail(/** @type {string} */ text) {
  try {
    const said = JSON.parse(text).detail;
    return typeof said === "string" ? said : "";
  } catch {
    return "";
  }
}
