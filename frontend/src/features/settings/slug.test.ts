import { describe, expect, it } from "vitest";

import { entryOf, flawOf, movedBy, slugsOf, toSlug, wordsOf } from "./slug";

describe("a slug", () => {
  it.each([
    ["Too long!", "too_long"],
    ["  Überheblich – sehr ", "uberheblich_sehr"],
    ["3 facts wrong", "facts_wrong"],
    ["虚构", ""],
    ["a".repeat(90), "a".repeat(64)],
  ])("of %j is %j", (text, slug) => expect(toSlug(text)).toBe(slug));

  it("goes to words and back", () => expect(toSlug(wordsOf("encourages_harm"))).toBe("encourages_harm"));
});

describe("a list", () => {
  const entries = ["Too long", "too-long", "虚构", "Rude"].map(entryOf);

  it("names what is wrong with an entry, and leaves it out", () => {
    expect(entries.map((one) => flawOf(entries, one))).toEqual([null, "twice", "latin", null]);
    expect(slugsOf(entries)).toEqual(["too_long", "rude"]);
  });

  it("moves an entry one step", () => {
    expect(movedBy(entries, 3, -1).map((one) => one.text)).toEqual(["Too long", "too-long", "Rude", "虚构"]);
  });
});
