import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Layers: routes → features → components → api. A layer sees only what stands after it. */
const layers = ["routes", "features", "components", "api"];

function layer(name) {
  const above = layers.slice(0, layers.indexOf(name)).map((other) => ({
    group: [`@/${other}/**`],
    message: `src/${name} must not know src/${other}: routes → features → components → api.`,
  }));
  const parents = { group: ["../**"], message: "Outside its own folder a module is named by @/…" };
  return {
    files: [`src/${name}/**/*.{ts,tsx}`],
    rules: { "no-restricted-imports": ["error", { patterns: [parents, ...above] }] },
  };
}

export default tseslint.config(
  { ignores: ["dist", "node_modules", "public", "swagger", "src/api/schema.gen.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      // The router throws redirects; that is its documented way.
      "@typescript-eslint/only-throw-error": "off",
      "max-lines": ["error", { max: 250 }],
      "max-lines-per-function": ["error", { max: 90, skipBlankLines: true, skipComments: true }],
      // The language is chosen before the first paint, after every module has run.
      "no-restricted-syntax": [
        "error",
        {
          selector: "Program MemberExpression[object.name='t']:not(:function MemberExpression)",
          message: "Read `t` inside a function: at a module's top the language is not chosen yet.",
        },
      ],
      "max-params": "off",
      "@typescript-eslint/max-params": ["error", { max: 5 }],
    },
  },
  ...layers.map(layer),
);
