import { useEffect, useEffectEvent } from "react";

import { actOf, type Bindings, type KeyAct } from "./keys";

const WRITING = "dialog, input:not([type=checkbox]), textarea, select, [contenteditable]";
const PRESSED = "button:not([role=radio]), a, summary, [role=switch]";

/** A place where keys write or already mean something. */
function hasOwnKeys(target: EventTarget | null, code: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest(WRITING) !== null) return true;
  return /^(?:Numpad)?Enter$/.test(code) && target.closest(PRESSED) !== null;
}

/** Listens on the whole page, so that the first key works without a click. `first` may take a key before all others. */
export function useKeys(
  isOn: boolean,
  bindings: Bindings,
  onAct: (act: KeyAct) => void,
  first?: (press: KeyboardEvent) => boolean,
): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || hasOwnKeys(event.target, event.code)) return;
    if (first?.(event) === true) {
      event.preventDefault();
      return;
    }
    const meant = actOf(event, bindings);
    if (meant === null || (event.repeat && meant.type !== "back")) return;
    event.preventDefault();
    onAct(meant);
  });
  useEffect(() => {
    if (!isOn) return;
    const press = (event: KeyboardEvent) => handle(event);
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [isOn]);
}
