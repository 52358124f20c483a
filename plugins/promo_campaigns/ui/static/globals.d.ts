// What Airflow 3.3 shares with a plugin's pages, for tsc; airflow_page.js is the one module that reads it.
declare var React: typeof import("react");
declare var ReactRouterDOM: typeof import("react-router-dom");
declare var ChakraUI: typeof import("@chakra-ui/react");
