/** Upload of code files: chosen or dropped, with progress, and then what the load said of them. */

import { Chakra as C } from "../airflow_page.js";
import { path } from "../api.js";
import {
  bytes,
  count,
  counted,
  Glyph,
  Go,
  GoButton,
  h,
  Mark,
  Notice,
  percent,
  Section,
  tellFailure,
  toDag,
} from "../kit.js";
import { useCell } from "../store.js";
import { DownloadRejects, ReasonTable } from "./code_file.js";
import { add, forget, queue, stop } from "./upload_queue.js";

/** @import { LoadReport } from "../types.js" */
/** @import { Sent } from "./upload_queue.js" */
/** @typedef {{file: File, errors: string[]}} Refused */

const KINDS = [".csv", ".json", ".xlsx", ".gz"];
const MOST = 20;
export const DROP_ZONE = "promo-drop-zone";

export function Uploads() {
  const sent = useCell(queue);
  return h(
    Section,
    {
      title: "Add codes",
      note: "CSV, JSON or XLSX with the columns code, expirationDate, discount, type, inUse; each may be gzipped. A file is loaded as soon as the loading DAG has seen it.",
    },
    h(DropZone),
    sent.length
      ? h(
          C.Stack,
          { as: "ul", listStyleType: "none", gap: 3, "aria-label": "Uploads" },
          sent.map((one) => h(SentFile, { key: one.id, one })),
        )
      : null,
  );
}

const refused = (/** @type {Refused[]} */ files) =>
  files.forEach(({ file, errors }) =>
    tellFailure(
      `${file.name} was not taken`,
      errors.includes("TOO_MANY_FILES")
        ? `At most ${MOST} files at once.`
        : `Only ${KINDS.join(", ")} files are loaded.`,
    ),
  );

const DropZone = () =>
  h(
    C.FileUpload.Root,
    {
      maxFiles: MOST,
      ids: { dropzone: DROP_ZONE },
      alignItems: "stretch",
      acceptedFiles: [],
      validate: (/** @type {File} */ file) =>
        KINDS.some((kind) => file.name.toLowerCase().endsWith(kind)) ? null : ["FILE_INVALID_TYPE"],
      onFileAccept: (/** @type {{files: File[]}} */ { files }) => files.length && add(files),
      onFileReject: (/** @type {{files: any[]}} */ { files }) => refused(files),
    },
    h(C.FileUpload.HiddenInput, { "aria-label": "Choose code files" }),
    h(
      C.FileUpload.Dropzone,
      {
        "aria-label": "Drop files with codes here, or press to choose",
        minH: "140px",
        bg: "bg.subtle",
        _dragging: { borderColor: "brand.solid", bg: "brand.subtle" },
      },
      h(Glyph, { name: "upload", size: 8 }),
      h(
        C.FileUpload.DropzoneContent,
        null,
        h(C.Box, { fontWeight: "medium" }, "Drop files with codes here, or press to choose"),
        h(C.Box, { color: "fg.muted" }, KINDS.join(", ")),
      ),
    ),
  );

const WORDS = {
  queued: { word: "next", palette: "queued" },
  sending: { word: "uploading", palette: "running" },
  waiting: { word: "in the inbox: loaded soon", palette: "scheduled" },
  loaded: { word: "loaded", palette: "success" },
  rejected: { word: "not loaded", palette: "failed" },
  failed: { word: "upload failed", palette: "failed" },
  stopped: { word: "stopped", palette: "removed" },
};

function SentFile(/** @type {{one: Sent}} */ { one }) {
  const under_way = one.state === "sending" || one.state === "queued";
  return h(
    C.Stack,
    { as: "li", borderWidth: 1, borderRadius: "md", p: 3, gap: 2 },
    h(
      C.Flex,
      { gap: 3, wrap: "wrap", align: "center", justify: "space-between" },
      h(
        C.Flex,
        { gap: 2, align: "center", minW: 0 },
        h(Glyph, { name: "file" }),
        h(C.Box, { fontWeight: "medium", overflowWrap: "anywhere" }, one.name),
        h(C.Text, { color: "fg.muted", fontSize: "sm", whiteSpace: "nowrap" }, bytes(one.size)),
      ),
      h(
        C.Flex,
        { gap: 2, align: "center", wrap: "wrap" },
        h(Mark, WORDS[one.state]),
        h(
          C.Button,
          {
            size: "xs",
            variant: "outline",
            "aria-label": `${under_way ? "Stop" : "Hide"} ${one.name}`,
            onClick: () => (under_way ? stop(one.id) : forget(one.id)),
          },
          under_way ? "Stop" : "Hide",
        ),
      ),
    ),
    one.state === "sending" ? h(Progress, { one }) : null,
    one.error ? h(C.Text, { role: "alert", color: "fg.error", overflowWrap: "anywhere" }, one.error) : null,
    one.state === "waiting" && one.loader ? h(Loader, { loader: one.loader }) : null,
    one.report ? h(Report, { report: one.report, fileId: one.fileId }) : null,
  );
}

const Progress = (/** @type {{one: Sent}} */ { one }) =>
  h(
    C.Progress.Root,
    { value: one.sent, max: Math.max(1, one.size), size: "sm", colorPalette: "brand" },
    h(
      C.HStack,
      { gap: 3 },
      h(C.Progress.Track, { flex: 1, "aria-label": `Upload of ${one.name}` }, h(C.Progress.Range)),
      h(
        C.Text,
        { fontSize: "sm", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
        `${percent(one.sent, one.size)} of ${bytes(one.size)}`,
      ),
    ),
  );

/** What the load says of the rows, with the way to all of it. */
function Report(/** @type {{report: LoadReport, fileId?: number | null}} */ { report, fileId }) {
  const {
    inserted,
    updated,
    unchanged,
    rejected_count: rejected,
    rejected_by_reason: groups = [],
    already_loaded: before,
  } = report;
  const route = `codes/files/${path(fileId ?? "")}`;
  const parts = [
    counted(inserted, "new code"),
    `${count(updated)} updated`,
    `${count(unchanged)} unchanged`,
    `${count(rejected)} rejected`,
  ];
  return h(
    C.Stack,
    { gap: 3 },
    h(C.Text, null, before ? "The same file was loaded before: nothing was changed." : parts.join(" · ")),
    rejected ? h(ReasonTable, { reasons: groups.map(named) }) : null,
    fileId
      ? h(
          C.Flex,
          { gap: 3, wrap: "wrap", align: "center" },
          h(Go, { to: `/plugin/promo/${route}` }, "The file's report"),
          rejected ? h(DownloadRejects, { route }) : null,
        )
      : null,
  );
}

/** @returns {[string, number]} */
const named = (/** @type {LoadReport["rejected_by_reason"][number]} */ { column, reason, count: rows }) => [
  column ? `${column}: ${reason}` : reason,
  rows,
];

/** A file in the inbox is loaded by a DAG: nobody would tell why it stays there if that one is paused. */
function Loader(/** @type {{loader: {dag_id: string, paused: boolean | null}}} */ { loader }) {
  if (loader.paused === false) return null;
  const name = loader.dag_id;
  if (loader.paused === null)
    return h(
      Notice,
      { status: "warning", title: `This Airflow has no DAG ${name}` },
      "The file stays in the inbox until a DAG loads it.",
    );
  return h(
    Notice,
    { status: "warning", title: `The DAG ${name} is paused`, action: h(GoButton, { to: toDag(name) }, "Show the DAG") },
    "The file is loaded once the DAG is unpaused.",
  );
}
