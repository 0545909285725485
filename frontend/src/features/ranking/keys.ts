/** Keys of the desk, matched by where they lie (`event.code`), so that every layout and script works. */

export const LETTERS = ["A", "B", "C", "D", "E", "F", "G", "H", "I"] as const;
export const COMMANDS = ["flags", "differences", "skip", "undo", "guidelines", "history"] as const;
export type Command = (typeof COMMANDS)[number];
export type Bindings = Record<Command, string>;

export const DEFAULT_BINDINGS: Bindings = {
  flags: "KeyL",
  differences: "KeyW",
  skip: "KeyS",
  undo: "KeyU",
  guidelines: "KeyM",
  history: "KeyY",
};

export type KeyAct =
  | { type: "letter"; index: number; tie: boolean }
  | { type: "digit"; digit: number; rate: boolean }
  | { type: "step" | "select"; by: -1 | 1 }
  | { type: "command"; command: Command }
  | { type: "back" | "submit" | "help" };

export interface KeyPress {
  key: string;
  code: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

/** What a key press means on the desk; null where it means nothing there. */
export function actOf(press: KeyPress, bindings: Bindings = DEFAULT_BINDINGS): KeyAct | null {
  if (press.ctrlKey || press.metaKey) return null;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(press.code)?.[1];
  if (digit !== undefined) return { type: "digit", digit: Number(digit), rate: press.altKey };
  if (press.altKey) return null;
  const index = LETTERS.findIndex((letter) => press.code === `Key${letter}`);
  if (index >= 0) return { type: "letter", index, tie: press.shiftKey };
  const command = COMMANDS.find((name) => bindings[name] === press.code);
  return command === undefined ? fixedAct(press) : { type: "command", command };
}

function fixedAct(press: KeyPress): KeyAct | null {
  switch (press.code) {
    case "Backspace":
      return { type: "back" };
    case "Enter":
    case "NumpadEnter":
      return { type: "submit" };
    case "ArrowUp":
      return press.shiftKey ? { type: "step", by: -1 } : null;
    case "ArrowDown":
      return press.shiftKey ? { type: "step", by: 1 } : null;
    case "ArrowLeft":
      return { type: press.shiftKey ? "step" : "select", by: -1 };
    case "ArrowRight":
      return { type: press.shiftKey ? "step" : "select", by: 1 };
    default:
      // A sign, not a place: where it lies differs from layout to layout.
      return press.key === "?" ? { type: "help" } : null;
  }
}

/** A code a command may be moved to: a letter that no card has. */
export function isFreeForCommands(code: string): boolean {
  return /^Key[J-Z]$/.test(code);
}

/** "KeyM" → "M". */
export function keyName(code: string): string {
  return code.replace(/^Key/, "");
}
