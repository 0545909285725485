import { expect, it } from "vitest";

import { align } from "./alignment";
import { differences } from "./differences";

/** What is marked in each text. */
function marked(...texts: string[]): string[][] {
  return differences(texts, true).map((ranges, place) =>
    ranges.map(([from, to]) => texts[place]?.slice(from, to) ?? ""),
  );
}

it("marks what the other answer does not have at that place, whatever the case", () => {
  expect(marked("Feed it twice a day.", "feed IT once a day, please.")).toEqual([["twice"], ["once", ", please"]]);
});

it("sees a changed order, which a list of words cannot", () => {
  expect(marked("The dog bites the old man", "The man bites the old dog")).toEqual([
    ["dog", "man"],
    ["man", "dog"],
  ]);
});

it("marks a word that at most half of the answers have", () => {
  const [first, second, third, fourth] = marked(
    "Use a red pan for it",
    "Use a red pan for it",
    "Use a blue pan for it",
    "Use a green pan for it",
  );
  expect([first, second, third, fourth]).toEqual([["red"], ["red"], ["blue"], ["green"]]);
  expect(marked("one same word", "one same word", "one other word")).toEqual([[], [], ["other"]]);
});

it("leaves punctuation alone, but not the signs of code", () => {
  expect(marked("So it is.", "So it is!")).toEqual([[], []]);
  expect(marked("if a < b then c", "if a > b then c")).toEqual([["<"], [">"]]);
});

it("takes a word between two long differences with them", () => {
  expect(marked("we all know red green and blue grey so", "we all know cats dogs and cows pigs so")).toEqual([
    ["red green and blue grey"],
    ["cats dogs and cows pigs"],
  ]);
});

it("finds words in scripts without spaces and in those that run to the left", () => {
  expect(marked("我喜欢喝绿茶", "我喜欢喝咖啡")).toEqual([["绿茶"], ["咖啡"]]);
  expect(marked("أحب شرب الشاي", "أحب شرب القهوة")).toEqual([["الشاي"], ["القهوة"]]);
});

it("compares texts that have nothing in line as bags of words", () => {
  const one = "Cats sleep most of the day because hunting takes much strength";
  const other = "Hunting strength takes rest: most cats therefore doze whenever they can";
  const [first] = marked(one, other);
  expect(first).toEqual(["sleep", "of the day because", "much"]);
});

it("counts in what is shown, formulas and code included", () => {
  const texts = ["**Bold** `x = 1` and $a^2$ end", "**Bold** `x = 2` and $a^3$ end"];
  const shown = ["Bold x = 1 and $a^2$ end", "Bold x = 2 and $a^3$ end"];
  const ranges = differences(texts);
  expect(ranges.map((row, place) => row.map(([from, to]) => shown[place]?.slice(from, to)))).toEqual([
    ["1", "2"],
    ["2", "3"],
  ]);
});

it("finds a longest common subsequence", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  for (let round = 0; round < 200; round += 1) {
    const make = () => Int32Array.from({ length: random(90) }, () => random(1 + (round % 12)));
    const [a, b] = [make(), make()];
    const pairs = align(a, b);
    expect(pairs.every(([inA, inB]) => a[inA] === b[inB])).toBe(true);
    expect(
      pairs.every(
        ([inA, inB], at) => at === 0 || (inA > (pairs[at - 1]?.[0] ?? -1) && inB > (pairs[at - 1]?.[1] ?? -1)),
      ),
    ).toBe(true);
    expect(pairs).toHaveLength(longest(a, b));
  }
});

function longest(a: Int32Array, b: Int32Array): number {
  let row = new Array<number>(b.length + 1).fill(0);
  a.forEach((symbol) => {
    const next = [0];
    b.forEach((other, place) => {
      next.push(symbol === other ? (row[place] ?? 0) + 1 : Math.max(row[place + 1] ?? 0, next[place] ?? 0));
    });
    row = next;
  });
  return row.at(-1) ?? 0;
}

function essay(words: number, change: number): string {
  return Array.from({ length: words }, (_, place) => (place % change === 0 ? `own${change}` : `w${place % 97}`)).join(
    " ",
  );
}

it("is ready in 50 ms for four answers of 400 words, and takes no longer than a moment for very long ones", () => {
  const texts = [7, 11, 13, 17].map((change) => essay(400, change));
  differences(texts, true);
  const started = performance.now();
  differences(texts, true);
  const took = performance.now() - started;
  differences([essay(9000, 7), essay(9000, 11)], true);
  expect(took).toBeLessThan(50);
});
