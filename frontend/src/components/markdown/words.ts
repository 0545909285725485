/** Words of any script: English, Arabic, and Chinese or Thai, which write no spaces between them. */

export interface Word {
  start: number;
  end: number;
  isWord: boolean;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** Words and signs of a text in order, without the space between them. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const { segment, index, isWordLike } of segmenter.segment(text)) {
    if (segment.trim() !== "") words.push({ start: index, end: index + segment.length, isWord: isWordLike === true });
  }
  return words;
}

export function countWords(text: string): number {
  let count = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike === true) count += 1;
  return count;
}
