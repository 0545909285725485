import { expect, it } from "vitest";

import { foldOf, part } from "./fold";
import { readingOf } from "./reading";
import { textOf } from "./text";

const LIMITS = { words: 100, lines: 10, head: { words: 20, lines: 4 }, tail: { words: 10, lines: 2 } };

function words(count: number): string {
  return Array.from({ length: count }, (_, place) => `word${place}`).join(" ");
}

it("leaves short texts alone", () => {
  expect(foldOf(words(100), LIMITS)).toBeNull();
  expect(foldOf("a\n".repeat(9), LIMITS)).toBeNull();
});

it("hides the middle of many words and counts them", () => {
  const text = words(200);
  const fold = foldOf(text, LIMITS);
  expect(fold?.words).toBe(170);
  expect(text.slice(0, fold?.from).endsWith("word19")).toBe(true);
  expect(text.slice(fold?.to).startsWith("word190")).toBe(true);
});

it("hides the middle of many lines", () => {
  const text = Array.from({ length: 60 }, (_, place) => `line ${place} of it`).join("\n");
  const fold = foldOf(text, LIMITS);
  expect(text.slice(0, fold?.from).split("\n")).toHaveLength(4);
  expect(text.slice(fold?.to).trim().split("\n")).toHaveLength(2);
});

it("counts words where no spaces are", () => {
  expect(foldOf("我喜欢喝绿茶。".repeat(60), LIMITS)?.words).toBeGreaterThan(100);
});

it("cuts a tree at a character, and a list goes on counting", () => {
  const reading = readingOf("1. one\n2. two\n3. three\n\nend **bold $x^2$ word**");
  if (reading === null) throw new Error("it is markdown");
  const from = reading.text.indexOf("three");
  const tail = part(reading.root, from, reading.text.length);
  expect(textOf(tail)).toBe(reading.text.slice(from));
  expect(JSON.stringify(tail)).toContain('"start":3');
  expect(textOf(part(reading.root, 0, from))).toBe(reading.text.slice(0, from));
});
