import { expect, it } from "vitest";

import { sectionsOf } from "./sections";

it("tells all of a report of any shape: plain facts, parts, and rows as tables", () => {
  const sections = sectionsOf({
    prompts: 64,
    kept: true,
    why: null,
    kl: { value: 2.5, low: 2, high: 3 },
    models: { policy: { tokens: { value: 40.1234, low: null, high: null }, flags: ["rude", "wrong"] } },
    curve: [
      { far: 10, sha256: "ab".repeat(32), model: "policy" },
      { far: 20, proxy: 0.4, model: "base" },
    ],
    empty: {},
    none: [],
  });
  expect(sections).toEqual([
    {
      title: "",
      facts: [
        ["Prompts", "64"],
        ["Kept", "yes"],
        ["Kl", "2.5 (2 to 3)"],
      ],
      table: null,
    },
    {
      title: "Models",
      facts: [
        ["Policy · Tokens", "40.12"],
        ["Policy · Flags", "rude, wrong"],
      ],
      table: null,
    },
    {
      title: "Curve",
      facts: [],
      table: {
        head: ["Model", "Far", "Sha256", "Proxy"],
        rows: [
          ["policy", "10", "abababababab", "–"],
          ["base", "20", "–", "0.4"],
        ],
      },
    },
  ]);
  expect(sectionsOf({})).toEqual([]);
});
