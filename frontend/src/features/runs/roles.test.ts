import { describe, expect, it } from "vitest";

import type { ModelVersion } from "@/api/types";

import { candidatesFor, errorOf, modelsOf, playersOf, type Role } from "./roles";

function model(id: number, kind: ModelVersion["kind"], rest: Partial<ModelVersion> = {}): ModelVersion {
  return { id, kind, stage: "candidate", artifact: { sha256: "a", bytes: 1 }, base_id: null, ...rest } as ModelVersion;
}

function role(name: string, kinds: Role["kinds"], rest: Partial<Role> = {}): Role {
  return { name, kinds, description: "", whole: false, optional: false, left_open: "live", many: false, ...rest };
}

const WRITERS = role("writers", ["base", "sft", "policy"], { many: true });
const BASE = role("base", ["base", "sft"], { whole: true });
const REWARD = role("reward", ["reward"]);

describe("the models of a run", () => {
  it("offers what has weights of its own where they are needed, and is not put away", () => {
    const models = [
      model(1, "base"),
      model(2, "sft"),
      model(3, "reward", { base_id: 1 }),
      model(4, "sft", { artifact: null }),
      model(5, "sft", { stage: "archived" }),
      model(6, "sft", { base_id: 1 }),
    ];
    const ids = (one: Role) => candidatesFor(one, models).map((found) => found.id);
    expect([BASE, REWARD, WRITERS].map(ids)).toEqual([[1, 2], [3], [1, 2, 6]]);
  });

  it("chooses again who played the parts in an earlier run, also where they are put away now", () => {
    const models = [model(1, "base"), model(5, "sft", { stage: "archived" }), model(6, "sft", { stage: "archived" })];
    expect(playersOf(BASE, { base: 5, live: 3 })).toEqual([5]);
    expect(playersOf(BASE, {})).toEqual([]);
    expect(playersOf(WRITERS, { writer_1: 1, writer_2: 5 })).toEqual([1, 5]);
    expect(candidatesFor(BASE, models, [5]).map((found) => found.id)).toEqual([1, 5]);
  });

  it("names several writers and leaves open what nobody chose", () => {
    const form = new FormData();
    form.append("model.writers", "7");
    form.append("model.writers", "9");
    form.append("model.reward", "");
    expect(modelsOf([WRITERS], form)).toEqual({ writer_1: 7, writer_2: 9 });
    expect(modelsOf([BASE, REWARD], form)).toEqual({});
  });

  it("shows a complaint about any writer at the field that stands for them all, and no other's there", () => {
    const errors = { "models.writer_1": "Reward model 1 scores, it does not write", "models.base": "unknown" };
    expect(errorOf(WRITERS, errors)).toBe("Reward model 1 scores, it does not write");
    expect(errorOf(BASE, errors)).toBe("unknown");
    expect(errorOf(WRITERS, { "models.base": "unknown" })).toBeUndefined();
    expect(errorOf(REWARD, errors)).toBeUndefined();
  });
});
