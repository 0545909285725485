/**
 * Where completions of one prompt differ, word by word.
 *
 * Each text is aligned with each other one (longest common subsequence of their words and signs, whatever their case).
 * A word stays unmarked when more than half of the completions, its own included, have it in line with it; with two
 * completions that is: when both have it. A text that has little in line with the others, and texts too long to align,
 * are compared as bags of words: a word stays unmarked when more than half of the completions have it anywhere.
 */
import { type Marked, visibleText } from "@/components/Markdown";
import { type Word, wordsOf } from "@/components/markdown/words";

import { align } from "./alignment";

/** Cells of one table of two texts, some 6,000 words by 6,000: 5 MB for the moment it takes. */
const MOST_CELLS = 40_000_000;
/** Below this share of words in line, what is in line is chance: every text has "the" and a full stop. */
const RELATED = 0.35;
const PROSE_SIGN = /^[\s.,;:!?'"’‘“”«»()–—…。，、；：！？「」『』（）·*-]+$/u;

interface Read {
  text: string;
  words: Word[];
  symbols: Int32Array;
}

/** For each text, the ranges of its visible characters that differ. `raw` counts in the texts as they were written. */
export function differences(texts: readonly string[], raw = false): Marked[] {
  const numbers = new Map<string, number>();
  const read = texts.map((text) => readText(visibleText(text, raw), numbers));
  const inLine = counts(read);
  const anywhere = holders(read);
  return read.map((one, place) => {
    const aligned = shared(inLine[place] ?? [], read.length);
    const words = one.symbols.length;
    const isRelated = aligned.filter(Boolean).length >= RELATED * words;
    const same = isRelated ? withoutIslands(aligned) : shared(anywhere[place] ?? [], read.length);
    return ranges(one, same);
  });
}

function readText(text: string, numbers: Map<string, number>): Read {
  const words = wordsOf(text);
  const symbols = Int32Array.from(words, ({ start, end }) => {
    const word = text.slice(start, end).normalize().toLowerCase();
    const number = numbers.get(word) ?? numbers.size;
    numbers.set(word, number);
    return number;
  });
  return { text, words, symbols };
}

/** For each word of each text, how many of the other texts have it in line with it. */
function counts(read: readonly Read[]): number[][] {
  const found = read.map(({ symbols }) => new Array<number>(symbols.length).fill(0));
  read.forEach((one, first) => {
    read.slice(first + 1).forEach((other, index) => {
      if (one.symbols.length * other.symbols.length > MOST_CELLS) return;
      for (const [here, there] of align(one.symbols, other.symbols)) {
        addOne(found[first], here);
        addOne(found[first + 1 + index], there);
      }
    });
  });
  return found;
}

function addOne(row: number[] | undefined, place: number): void {
  if (row !== undefined) row[place] = (row[place] ?? 0) + 1;
}

/** For each word of each text, how many of the other texts have it anywhere. */
function holders(read: readonly Read[]): number[][] {
  const vocabularies = read.map(({ symbols }) => new Set(symbols));
  return read.map(({ symbols }) =>
    Array.from(symbols, (symbol) => vocabularies.filter((words) => words.has(symbol)).length - 1),
  );
}

function shared(others: readonly number[], texts: number): boolean[] {
  return others.map((count) => 2 * (count + 1) > texts);
}

/** One or two shared words amid longer differences are chance; the difference reads better whole. */
function withoutIslands(same: readonly boolean[]): boolean[] {
  const runs: { isSame: boolean; length: number }[] = [];
  for (const isSame of same) {
    const last = runs.at(-1);
    if (last?.isSame === isSame) last.length += 1;
    else runs.push({ isSame, length: 1 });
  }
  return runs.flatMap(({ isSame, length }, place) => {
    const beside = Math.min(runs[place - 1]?.length ?? 0, runs[place + 1]?.length ?? 0);
    const isIsland = isSame && length <= 2 && beside > length;
    return new Array<boolean>(length).fill(isSame && !isIsland);
  });
}

/** Runs of differing words with the space between them; a run of punctuation alone says nothing. */
function ranges({ text, words }: Read, same: readonly boolean[]): Marked {
  const found: [number, number][] = [];
  let isOpen = false;
  words.forEach(({ start, end }, place) => {
    const differs = same[place] === false;
    const last = found.at(-1);
    if (differs && isOpen && last !== undefined) last[1] = end;
    else if (differs) found.push([start, end]);
    isOpen = differs;
  });
  return found.filter(([start, end]) => !PROSE_SIGN.test(text.slice(start, end)));
}
