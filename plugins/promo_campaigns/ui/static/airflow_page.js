/**
 * What Airflow's page shares with the pages of a plugin. No other module reads these globals.
 *
 * Airflow calls `react_apps` experimental: another version may share less. `missing` names what this one does not
 * share, and promo.js then says so in place of the pages.
 */

const SHARED = ["React", "ReactRouterDOM", "ChakraUI"];

/** @type {string[]} the names that Airflow's page does not share, of those that the pages need */
export const missing = SHARED.filter((name) => !Reflect.get(globalThis, name));

export const React = globalThis.React;
export const Router = globalThis.ReactRouterDOM;
export const Chakra = globalThis.ChakraUI;

/** The address below which Airflow is served, whatever its base path is. */
export const airflowAddress = (/** @type {string} */ path) => new URL(path, document.baseURI);
