import { describe, expect, it } from "vitest";

import { actOf, DEFAULT_BINDINGS, isFreeForCommands, type KeyPress } from "./keys";

function press(code: string, held: Partial<KeyPress> = {}): KeyPress {
  return { key: "", code, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...held };
}

describe("keys of the desk", () => {
  it("read letters by their place on the keyboard", () => {
    expect(actOf(press("KeyC"))).toEqual({ type: "letter", index: 2, tie: false });
    expect(actOf(press("KeyI", { shiftKey: true }))).toEqual({ type: "letter", index: 8, tie: true });
  });
  it("move with digits and rate with Alt", () => {
    expect(actOf(press("Digit3"))).toEqual({ type: "digit", digit: 3, rate: false });
    expect(actOf(press("Numpad7", { altKey: true }))).toEqual({ type: "digit", digit: 7, rate: true });
    expect(actOf(press("Digit0"))).toBeNull();
  });
  it("leave the browser's own shortcuts alone", () => {
    expect(actOf(press("KeyC", { ctrlKey: true }))).toBeNull();
    expect(actOf(press("KeyA", { metaKey: true }))).toBeNull();
    expect(actOf(press("ArrowDown"))).toBeNull();
  });
  it("know no command under a card's letter", () => {
    const codes = Object.values(DEFAULT_BINDINGS);
    expect(codes.every(isFreeForCommands)).toBe(true);
    expect(new Set(codes).size).toBe(codes.length);
  });
  it("find help wherever the question mark lies", () => {
    expect(actOf(press("Minus", { key: "?", shiftKey: true }))).toEqual({ type: "help" });
  });
  it("follow changed bindings", () => {
    expect(actOf(press("KeyX"), { ...DEFAULT_BINDINGS, skip: "KeyX" })).toEqual({ type: "command", command: "skip" });
    expect(actOf(press("KeyS"), { ...DEFAULT_BINDINGS, skip: "KeyX" })).toBeNull();
  });
});
