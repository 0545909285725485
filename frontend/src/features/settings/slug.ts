/** How an entry of a list is stored: small Latin letters, digits and underscores. */
const LONGEST = 64;

/** "Too long!" → "too_long"; empty where no Latin letter begins it. */
export function toSlug(text: string): string {
  const plain = text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return plain
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^[_0-9]+|_+$/g, "")
    .slice(0, LONGEST)
    .replace(/_+$/, "");
}

export function wordsOf(slug: string): string {
  return slug.replaceAll("_", " ");
}

export interface Entry {
  /** Stays while the entry is moved or renamed. */
  key: number;
  text: string;
}

let lastKey = 0;

export function entryOf(text: string): Entry {
  lastKey += 1;
  return { key: lastKey, text };
}

/** What keeps an entry from being stored. */
export function flawOf(entries: readonly Entry[], entry: Entry): "latin" | "twice" | null {
  const slug = toSlug(entry.text);
  if (slug === "") return "latin";
  const first = entries.find((one) => toSlug(one.text) === slug);
  return first?.key === entry.key ? null : "twice";
}

/** The list as it is stored: sound entries only, each once. */
export function slugsOf(entries: readonly Entry[]): string[] {
  return entries.filter((one) => flawOf(entries, one) === null).map((one) => toSlug(one.text));
}

export function movedBy(entries: readonly Entry[], place: number, by: -1 | 1): Entry[] {
  const after = [...entries];
  const [entry] = after.splice(place, 1);
  if (entry !== undefined) after.splice(place + by, 0, entry);
  return after;
}
