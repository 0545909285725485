import { describe, expect, it } from "vitest";

import { bestOf, locale, preferredLocale, speak, t } from ".";
import { en } from "./en";
import { zhCN } from "./zh-CN";

type Leaf = string | ((...args: never[]) => string);

/** Every string and function of a language under its path, as in `desk.submit`. */
function leaves(words: unknown, path = ""): [string, Leaf][] {
  if (typeof words === "string" || typeof words === "function") return [[path, words as Leaf]];
  return Object.entries(words as Record<string, unknown>).flatMap(([name, inner]) =>
    leaves(inner, path === "" ? name : `${path}.${name}`),
  );
}

/** Names, symbols, commands: the same in every language. */
const SAME = new Set([
  "common.none",
  "shell.brand",
  "welcome.setupCommand",
  "reading.differsEnd",
  "project.downloadJsonl",
  "project.downloadParquet",
]);

const english = leaves(en);
const chinese = new Map(leaves(zhCN));

describe("zh-CN", () => {
  it("has the paths of the English words, and no others", () => {
    expect([...chinese.keys()].sort()).toEqual(english.map(([path]) => path).sort());
  });

  it.each(english)("says %s in Chinese", (path, words) => {
    const other = chinese.get(path);
    if (typeof words === "function") {
      expect(typeof other).toBe("function");
      expect((other as () => string).length).toBeLessThanOrEqual(words.length);
      return;
    }
    if (!SAME.has(path)) expect(other).not.toBe(words);
    expect(other).not.toBe("");
  });

  it("keeps every figure and name a sentence is given", () => {
    const forgotten = english.flatMap(([path, words]) => {
      if (typeof words !== "function") return [];
      const given = Array.from({ length: words.length }, (_, place) => `«${place}»`);
      const inEnglish = given.filter((mark) => said(words, given).includes(mark));
      const other = chinese.get(path);
      if (typeof other !== "function") return [path];
      return inEnglish.every((mark) => said(other, given).includes(mark)) ? [] : [path];
    });
    expect(forgotten).toEqual([]);
  });
});

/** The sentence for marks in place of its arguments; lists are given as lists of one mark. */
function said(words: (...args: never[]) => string, marks: readonly unknown[]): string {
  const call = words as unknown as (...args: unknown[]) => string;
  try {
    return call(...marks);
  } catch {
    return call(...marks.map((mark) => [mark]));
  }
}

describe("English", () => {
  it("counts one thing in the singular", () => {
    const wrong = english.flatMap(([path, words]) => {
      if (typeof words !== "function" || OF_LETTERS.has(path)) return [];
      const call = words as unknown as (...args: unknown[]) => string;
      // Figures come as they are written or as numbers.
      const sentences = [1, "1"].map((one) =>
        said(
          call,
          Array.from({ length: words.length }, () => one),
        ),
      );
      return sentences.every(hasPlural) ? [`${path}: ${sentences[1] ?? ""}`] : [];
    });
    expect(wrong).toEqual([]);
  });
});

/** What ends in an s behind a figure of one and is no plural, and units of figures that are measured, not counted. */
const NO_PLURAL = new Set(["is", "has", "as", "this", "less", "loss", "pass", "waits", "nats", "points"]);

/** Sentences about cards, which are named by letters. */
const OF_LETTERS = new Set(["desk.announce.tied"]);

/** Whether a sentence about one thing speaks of several; some are the very figure that they were given. */
function hasPlural(sentence: unknown): boolean {
  const counted = [...String(sentence).matchAll(/(?<![\d.,–])1 (?:[a-z-]+ )?([a-z]+s)\b/g)];
  return counted.some(([, word = ""]) => !NO_PLURAL.has(word));
}

describe("the language", () => {
  it("is the first one of the browser's that is spoken here", () => {
    expect(bestOf(["de-AT", "zh-Hans-SG", "en"])).toBe("zh-CN");
    expect(bestOf(["zh"])).toBe("zh-CN");
    expect(bestOf(["zh-TW", "fr"])).toBe("en");
    expect(bestOf([])).toBe("en");
  });

  it("is remembered before it is guessed", () => {
    localStorage.setItem("plackett.language", "zh-CN");
    expect(preferredLocale()).toBe("zh-CN");
    localStorage.setItem("plackett.language", "tlh");
    expect(preferredLocale()).toBe("en");
    localStorage.clear();
  });

  it("is spoken by `t` and said by the document", async () => {
    await speak("zh-CN");
    expect([t.desk.submit, locale, document.documentElement.lang]).toEqual(["提交", "zh-CN", "zh-CN"]);
    await speak("en");
    expect([t.desk.submit, document.documentElement.lang]).toEqual(["Submit", "en"]);
  });
});
