import { expect, it } from "vitest";

import { ownWords } from "./differences";

it("finds the words of one text alone, whatever their case", () => {
  const [first, second] = ownWords(["Feed it twice a day.", "Feed IT once a day, don't wait."]);
  expect([...(first ?? [])]).toEqual(["twice"]);
  expect([...(second ?? [])]).toEqual(["once", "don't", "wait"]);
});
