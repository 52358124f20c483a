/** The colour and the plain word of each state, the same on every page. */

import { Chakra } from "../airflow_page.js";
import { h } from "./element.js";

/** @typedef {{word: string, palette: string, says: string}} Look */

/** Of a run. @type {Record<string, Look>} */
const RUNS = {
  open: { word: "under way", palette: "running", says: "Contacts are still being sent to." },
  awaiting: {
    word: "to be approved",
    palette: "awaiting_input",
    says: "A person must approve it before anybody gets a code.",
  },
  paused: {
    word: "paused",
    palette: "deferred",
    says: "A person paused it; nobody is sent anything until it goes on.",
  },
  restored: {
    word: "to be decided",
    palette: "awaiting_input",
    says: "The store was restored from a backup; nobody is sent anything until somebody says what was sent since.",
  },
  cancelled: {
    word: "cancelled",
    palette: "failed",
    says: "A person cancelled it; who was not sent to yet is left out.",
  },
  closed: { word: "finished", palette: "success", says: "Every contact has an outcome." },
};

/** Of a contact in a run, in the order in which a bar shows them. @type {Record<string, Look>} */
export const CONTACTS = {
  recorded: { word: "recorded", palette: "success", says: "The message was accepted, and the code is on the profile." },
  accepted: { word: "sent", palette: "active", says: "The receiver took the message." },
  sending: { word: "sending", palette: "running", says: "A call may be under way." },
  assigned: { word: "has a code", palette: "deferred", says: "Has a code, and is due a message." },
  pending: { word: "waiting", palette: "none", says: "In the audience; no code was given yet." },
  unknown: {
    word: "unknown",
    palette: "warning",
    says: "Nobody knows whether the message arrived. The contact keeps the code.",
  },
  rejected: { word: "refused", palette: "failed", says: "The receiver refused; the code went back to the stock." },
  expired: { word: "too late", palette: "removed", says: "The time to send, or the code, ran out." },
  skipped: { word: "left out", palette: "none", says: "Left out, with the reason; no code was given." },
};

/** Of the rest. @type {Record<string, Look>} */
const OTHERS = {
  waiting: {
    word: "waiting to be loaded",
    palette: "queued",
    says: "The file is in the inbox; the loading DAG takes it.",
  },
  loaded: { word: "loaded", palette: "success", says: "The codes are in the stock." },
  ok: { word: "ok", palette: "success", says: "Nothing is wrong." },
  failed: { word: "failed", palette: "failed", says: "" },
};

const look = (/** @type {string} */ state, /** @type {Record<string, Look>} */ looks) =>
  looks[state] ?? OTHERS[state] ?? { word: state, palette: "none", says: "" };

/** A state as a word with its colour; the colour alone says nothing. */
export const Mark = (/** @type {{word: string, palette: string, says?: string}} */ { word, palette, says }) =>
  h(
    Chakra.Badge,
    {
      colorPalette: palette,
      variant: "subtle",
      borderRadius: "full",
      fontSize: "sm",
      px: 2,
      py: 1,
      maxW: "100%",
      whiteSpace: { base: "normal", md: "nowrap" },
      title: says || undefined,
    },
    h(Chakra.Box, {
      as: "span",
      "aria-hidden": true,
      boxSize: 2,
      borderRadius: "full",
      bg: "currentColor",
      flexShrink: 0,
    }),
    word,
  );

export const RunBadge = (/** @type {{state: string}} */ { state }) => h(Mark, look(state, RUNS));
export const ContactBadge = (/** @type {{state: string}} */ { state }) => h(Mark, look(state, CONTACTS));
export const StateBadge = (/** @type {{state: string}} */ { state }) => h(Mark, look(state, {}));

export const RUN_STATES = Object.entries(RUNS).map(([value, { word }]) => ({ value, label: word }));
export const CONTACT_STATES = Object.entries(CONTACTS).map(([value, { word }]) => ({ value, label: word }));
