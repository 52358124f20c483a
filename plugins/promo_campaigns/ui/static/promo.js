/**
 * The file that Airflow loads. It sets one global for each app that ui/registration.py names: Airflow looks a
 * component up by the app's name and does not look at a module's exports.
 */

import { missing } from "./airflow_page.js";

const NAMES = ["Promo", "Promo runs", "Promo run", "Promo strip"];

/** A component may return plain text: it needs none of what may be missing. */
const say = (/** @type {string} */ text) =>
  NAMES.forEach((name) => Reflect.set(globalThis, name, () => (name === "Promo strip" ? null : text)));

if (missing.length > 0) {
  say(
    `The Promo pages cannot be shown: this version of Airflow does not share ${missing.join(", ")} with plugins. ` +
      "The promo command shows and does the same; the pages are tried with Airflow 3.3.",
  );
} else {
  try {
    const { apps } = await import("./apps.js");
    NAMES.forEach((name) => Reflect.set(globalThis, name, apps[name]));
  } catch (error) {
    console.error(error);
    say(`The Promo pages cannot be shown: their files could not be loaded (${error}). Reload the page to try again.`);
  }
}
