/** The parts that every page is put together from. */

export { Act, EffectShown, Figure } from "./kit/act.js";
export { CONTACT_STATES, CONTACTS, ContactBadge, Mark, RUN_STATES, RunBadge, StateBadge } from "./kit/badges.js";
export { Glyph, h } from "./kit/element.js";
export { Choice, TextField } from "./kit/fields.js";
export { bytes, count, counted, dayText, distance, duration, percent, Time, timeText } from "./kit/format.js";
export { CodeText, Facts, Go, GoButton, Page, Section, toContact, toDag, toDagRun, toRun } from "./kit/page.js";
export { Boundary, Empty, Failed, Loading, Notice, Shown, Stale } from "./kit/states.js";
export { DataTable, PageButtons, PagedTable, usePages } from "./kit/table.js";
export { tell, tellFailure, Toasts } from "./kit/toast.js";
