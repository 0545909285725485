/** Words that one completion has and no other: what a reader has to look at. */

const WORD = /[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu;

function wordsOf(text: string): Set<string> {
  return new Set(Array.from(text.matchAll(WORD), ([word]) => word.toLowerCase()));
}

/** For each text, its words (lower case) that no other of the texts has. */
export function ownWords(texts: readonly string[]): Set<string>[] {
  const vocabularies = texts.map(wordsOf);
  return vocabularies.map(
    (own, place) =>
      new Set([...own].filter((word) => !vocabularies.some((other, where) => where !== place && other.has(word)))),
  );
}
