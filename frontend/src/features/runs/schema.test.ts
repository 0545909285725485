import { expect, it } from "vitest";

import { changedConfig, configOf, fieldErrorsOf, filledFrom, groupsOf, propertiesOf } from "./schema";

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

it("repeats a run's whole configuration but for what is changed", () => {
  const before = { epochs: 5, method: "full", resume: false, forgotten: 1 };
  const properties = propertiesOf(schema);
  const filled = filledFrom(properties, before);
  expect(filled.map((one) => one.initial)).toEqual([5, "full", false]);
  const form = new FormData();
  form.set("epochs", "1");
  form.set("method", "full");
  // What equals the default is sent too, and a setting that no longer exists is not.
  expect(changedConfig(properties, before, form)).toEqual({ epochs: 1, method: "full", resume: false });
});

it("takes a setting's default where the repeated run did not know it", () => {
  const filled = filledFrom(propertiesOf(schema), { epochs: 2 });
  expect(filled.map((one) => one.initial)).toEqual([2, "lora", true]);
  const form = new FormData();
  form.set("method", "lora");
  form.set("resume", "on");
  expect(changedConfig(propertiesOf(schema), { epochs: 2 }, form)).toEqual({ epochs: 2 });
});

it("puts first what is thought about first, and nothing in both places or in none", () => {
  const names = ["learning_rate", "epochs", "annotators", "ties", "method"];
  const properties = propertiesOf({ properties: Object.fromEntries(names.map((one) => [one, { type: "number" }])) });
  const { first, more } = groupsOf("reward", properties);
  expect(first.map((one) => one.name)).toEqual(["method", "ties", "annotators", "epochs"]);
  expect(more.map((one) => one.name)).toEqual(["learning_rate"]);
  const unknown = groupsOf("dream", properties);
  expect(unknown.first.map((one) => one.name)).toEqual(names.slice(0, 4));
  expect(unknown.more.map((one) => one.name)).toEqual(["method"]);
});

it("finds the field that each complaint is about", () => {
  const problem = { type: "invalid-config", title: "", status: 422, detail: "too many" };
  expect(fieldErrorsOf({ ...problem, field: "config.epochs" })).toEqual({ "config.epochs": "too many" });
  const errors = [
    { field: "config.epochs", detail: "at least 1" },
    { field: "models.base", detail: "no such model" },
  ];
  expect(fieldErrorsOf({ ...problem, errors })).toEqual({
    "config.epochs": "at least 1",
    "models.base": "no such model",
  });
  expect(fieldErrorsOf(problem)).toEqual({});
  expect(fieldErrorsOf(null)).toEqual({});
});
