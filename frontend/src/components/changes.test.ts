import { describe, expect, it } from "vitest";

import { diff, merge, wordsIn } from "./changes";

const short = (before: string, after: string) =>
  diff(before.split(""), after.split("")).map(({ kind, items }) => `${kind[0] ?? ""}:${items.join("")}`);

describe("diff", () => {
  it("keeps what is common, and puts what was removed before what came in its place", () => {
    expect(short("abcdef", "abXYef")).toEqual(["s:ab", "r:cd", "a:XY", "s:ef"]);
    expect(short("abc", "abc")).toEqual(["s:abc"]);
    expect(short("", "ab")).toEqual(["a:ab"]);
    expect(short("aaa", "aa")).toEqual(["s:aa", "r:a"]);
  });

  it("gives both texts back", () => {
    const [before, after] = ["the quick brown fox jumps", "a quick red fox leaps over"].map(wordsIn) as [
      string[],
      string[],
    ];
    const pieces = diff(before, after);
    const side = (other: string) => pieces.flatMap((one) => (one.kind === other ? [] : one.items)).join("");
    expect([side("added"), side("removed")]).toEqual([before.join(""), after.join("")]);
  });

  it("does not compare what is too long to compare", () => {
    const many = Array.from({ length: 3_000 }, (_, place) => `a${place}`);
    const others = Array.from({ length: 3_000 }, (_, place) => `b${place}`);
    expect(diff(many, others).map((one) => one.kind)).toEqual(["removed", "added"]);
  });
});

describe("merge", () => {
  const base = "one\ntwo\nthree\nfour\nfive";

  it("takes both changes where they are apart", () => {
    expect(merge(base, "ONE\ntwo\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nFIVE\nsix")).toEqual({
      text: "ONE\ntwo\nthree\nfour\nFIVE\nsix",
      conflicts: 0,
    });
  });

  it("takes the same change once", () => {
    expect(merge(base, base.replace("two", "2"), base.replace("two", "2"))).toEqual({
      text: base.replace("two", "2"),
      conflicts: 0,
    });
  });

  it("keeps both where both changed the same lines, and says so", () => {
    const merged = merge(base, base.replace("two", "mine"), base.replace("two", "theirs"));
    expect(merged).toEqual({ text: "one\ntheirs\nmine\nthree\nfour\nfive", conflicts: 1 });
  });

  it("loses no line of either when everything changed", () => {
    const merged = merge("a\nb", "x\ny\nz", "");
    expect(merged.conflicts).toBe(1);
    expect(merged.text).toBe("x\ny\nz");
  });
});
