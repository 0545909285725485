import { describe, expect, it } from "vitest";

import { formOf } from "./prompts";

describe("an upload", () => {
  it("carries the file and what was said of it, and nothing that was left empty", () => {
    const file = new File(["Once upon a time"], "tale.txt");
    const form = formOf({ file, name: " Tales ", source: "", licence: "  " });
    expect([...form.keys()]).toEqual(["file", "name"]);
    expect(form.get("name")).toBe("Tales");
    expect((form.get("file") as File).name).toBe("tale.txt");
  });
});
