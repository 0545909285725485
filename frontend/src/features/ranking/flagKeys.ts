/** Keys of an open list of flags: digits first, then letters; the key that opened the list closes it. */
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"].map((digit) => `Digit${digit}`);
const LETTERS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (letter) => `Key${letter}`);

export type FlagAct = { type: "toggle"; index: number } | { type: "close" } | { type: "other"; by: -1 | 1 };

interface Press {
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

function codes(closing: string): string[] {
  return [...DIGITS, ...LETTERS.filter((code) => code !== closing)];
}

/** The cap of the key for a flag; null where there are more flags than keys. */
export function flagKey(index: number, closing: string): string | null {
  return codes(closing)[index]?.replace(/^(?:Digit|Key)/, "") ?? null;
}

/** What a key means while flags are open; null lets it through. */
export function flagAct(press: Press, closing: string): FlagAct | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  if ([closing, "Escape", "Enter", "NumpadEnter"].includes(press.code)) return { type: "close" };
  if (press.code === "ArrowLeft") return { type: "other", by: -1 };
  if (press.code === "ArrowRight") return { type: "other", by: 1 };
  const index = codes(closing).indexOf(press.code.replace("Numpad", "Digit"));
  return index < 0 ? null : { type: "toggle", index };
}
