import { describe, expect, it } from "vitest";

import { mathSpans, texOf } from "./mathSpans";

function found(text: string): string[] {
  return mathSpans(text).map(({ start, end }) => text.slice(start, end));
}

describe("what is a formula", () => {
  it.each([
    ["Euler: $e^{i\\pi}+1=0$.", "$e^{i\\pi}+1=0$"],
    ["the $n$th and all $x$s", "$n$", "$x$"],
    ["so \\(a_1 | b\\) holds", "\\(a_1 | b\\)"],
    ["a variable \\( x \\)", "\\( x \\)"],
    ["\\[\nx = 1\n\\]", "\\[\nx = 1\n\\]"],
    ["$$\na\n+ b\n$$", "$$\na\n+ b\n$$"],
    ["on a line: $$x$$", "$$x$$"],
    ["($x$)", "$x$"],
    ["$2 \\text{ apples}$", "$2 \\text{ apples}$"],
    ["a price \\$5 and $y$", "$y$"],
    ["| $|x|$ | b |", "$|x|$"],
  ])("%s", (text, ...formulas) => {
    expect(found(text)).toEqual(formulas);
  });
});

describe("what stays text", () => {
  it.each([
    "It costs $5 and $10.",
    "Between $5-$10 a day, or US$3 and CA$4.",
    "I paid $20 for 3 items and 5$ for shipping.",
    "$HOME:$PATH and $HOME/bin",
    "`$x$` and ``a ` $y$``",
    "```sh\necho $A $B\n```\n",
    "- item\n  ~~~\n  $x$\n  ~~~\n",
    "an open \\( x",
    "a \\$x\\$",
    "\\(see above\\) and \\[citation needed\\] and \\[1\\]",
    "$$$ $$ $",
    "$x\n\ny$",
    "a lone $",
  ])("%s", (text) => {
    expect(found(text)).toEqual([]);
  });
});

it("takes the signs off", () => {
  expect(["$x$", "$$ x $$", "\\(x\\)", "\\[\nx\n\\]"].map(texOf)).toEqual(["x", "x", "x", "x"]);
});

it("reads hostile text in time", () => {
  const started = performance.now();
  for (const piece of ["$", "\\(", "\\[", "`", "``a", "$a ", "\\", "$$a", "```\n"]) mathSpans(piece.repeat(20_000));
  expect(performance.now() - started).toBeLessThan(3000);
});
