import { expect, it } from "vitest";

import { configOf, propertiesOf } from "./schema";

const schema = {
  properties: {
    epochs: { type: "integer", title: "Epochs", minimum: 1, default: 1 },
    method: { type: "string", enum: ["lora", "full"], default: "lora" },
    resume: { type: "boolean", default: true },
    nested: { type: "object" },
  },
};

it("reads the fields a form can show", () => {
  expect(propertiesOf(schema).map((one) => one.name)).toEqual(["epochs", "method", "resume"]);
});

it("sends only what was changed, in its own type", () => {
  const form = new FormData();
  form.set("epochs", "3");
  form.set("method", "lora");
  expect(configOf(propertiesOf(schema), form)).toEqual({ epochs: 3, resume: false });
});
