// What `make lint-js` holds the scripts of the pages to.
const browser = [
  "document", "addEventListener", "matchMedia", "ResizeObserver", "IntersectionObserver", "Intl", "URL",
  "URLSearchParams", "fetch", "EventSource", "location", "history", "getComputedStyle", "requestAnimationFrame",
  "cancelAnimationFrame", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "scrollBy", "scrollTo",
  "innerHeight", "innerWidth", "Path2D", "Node", "console", "DOMMatrix", "CSS", "performance", "structuredClone",
];

export default [
  {
    files: ["sim/**/*.js", "tests/page/*.mjs"],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "module",
      globals: Object.fromEntries(browser.map((name) => [name, "readonly"])),
    },
    rules: {
      "no-undef": "error",
      "no-unused-vars": "error",
      "no-shadow": ["error", { builtinGlobals: false }],
      "no-const-assign": "error",
      "no-dupe-keys": "error",
      "no-redeclare": "error",
      "no-unreachable": "error",
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
    },
  },
];
