/** JSON laid out for reading, token by token: the numbers stay as they were written, however long they are. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
const STEP = "  ";

/** @typedef {{text: string, kind: "name" | "text" | "value" | "mark"}} Token */

/**
 * The tokens of a JSON text with line breaks between them, or null where the text is no JSON.
 *
 * @param {string} text
 * @returns {Token[] | null}
 */
export function jsonTokens(text) {
  if (!isJson(text)) return null;
  const found = text.match(TOKEN) ?? [];
  /** @type {Token[]} */
  const laid = [];
  let depth = 0;
  found.forEach((token, place) => {
    const next = found[place + 1];
    if (isOpening(token)) {
      const isEmpty = next !== undefined && isClosing(next);
      depth += 1;
      laid.push({ text: isEmpty ? token : token + lineAt(depth), kind: "mark" });
    } else if (isClosing(token)) {
      depth -= 1;
      laid.push({ text: isOpening(found[place - 1] ?? "") ? token : lineAt(depth) + token, kind: "mark" });
    } else laid.push(plainToken(token, next, depth));
  });
  return laid;
}

function plainToken(/** @type {string} */ token, /** @type {string | undefined} */ next, /** @type {number} */ depth) {
  if (token === ",") return /** @type {Token} */ ({ text: token + lineAt(depth), kind: "mark" });
  if (token === ":") return /** @type {Token} */ ({ text: ": ", kind: "mark" });
  if (!token.startsWith('"')) return /** @type {Token} */ ({ text: token, kind: "value" });
  return /** @type {Token} */ ({ text: token, kind: next === ":" ? "name" : "text" });
}

const lineAt = (/** @type {number} */ depth) => `\n${STEP.repeat(depth)}`;
const isOpening = (/** @type {string} */ token) => token === "{" || token === "[";
const isClosing = (/** @type {string} */ token) => token === "}" || token === "]";

function isJson(/** @type {string} */ text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
