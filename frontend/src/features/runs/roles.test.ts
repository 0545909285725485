import { describe, expect, it } from "vitest";

import type { ModelVersion } from "@/api/types";

import { candidatesFor, modelsOf, rolesOf } from "./roles";

function model(id: number, kind: ModelVersion["kind"], rest: Partial<ModelVersion> = {}): ModelVersion {
  return { id, kind, stage: "candidate", artifact: { sha256: "a", bytes: 1 }, ...rest } as ModelVersion;
}

describe("the models of a run", () => {
  it("offers what has weights and is not put away", () => {
    const models = [
      model(1, "base"),
      model(2, "sft"),
      model(3, "reward"),
      model(4, "sft", { artifact: null }),
      model(5, "sft", { stage: "archived" }),
    ];
    const ids = (kind: string) => rolesOf(kind).map((role) => candidatesFor(role, models).map((one) => one.id));
    expect(ids("sft")).toEqual([[1, 2]]);
    expect(ids("ppo")).toEqual([[1, 2], [3]]);
    expect(ids("import_model")).toEqual([]);
  });

  it("names several writers and leaves open what nobody chose", () => {
    const form = new FormData();
    form.append("model.writers", "7");
    form.append("model.writers", "9");
    form.append("model.reward", "");
    expect(modelsOf(rolesOf("sample"), form)).toEqual({ writer_1: 7, writer_2: 9 });
    expect(modelsOf(rolesOf("ppo"), form)).toEqual({});
  });
});
