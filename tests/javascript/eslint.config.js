/** What the pages' files are checked for besides their types. */

import js from "@eslint/js";
import globals from "globals";

const NEVER = "A page never makes markup of text: names, messages and file contents come from anybody.";

export default [
  { ...js.configs.recommended, files: ["**/*.js"] },
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "max-lines": ["error", 350],
      "prefer-const": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property, message: NEVER })),
        { object: "document", property: "write", message: NEVER },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "Property[key.name='dangerouslySetInnerHTML']", message: NEVER },
        { selector: "Literal[value=/^#([0-9a-f]{3}|[0-9a-f]{6})$/i]", message: "Colours are Airflow's tokens: it has two modes and a theme of the operator's." },
      ],
      "no-restricted-globals": ["error", { name: "React", message: "airflow_page.js is the one module that reads what Airflow's page shares." }],
    },
  },
];
