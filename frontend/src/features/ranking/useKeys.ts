import { useEffect, useEffectEvent } from "react";

import { actOf, type Bindings, type KeyAct } from "./keys";

/** A place where keys write or already mean something. */
function hasOwnKeys(target: EventTarget | null, act: KeyAct): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog, input, textarea, select, [contenteditable]") !== null) return true;
  const isPressed = act.type === "submit" && target.closest("button, a, summary, [role=switch]") !== null;
  return isPressed;
}

/** Listens on the whole page, so that the first key works without a click. */
export function useKeys(isOn: boolean, bindings: Bindings, onAct: (act: KeyAct) => void): void {
  const act = useEffectEvent(onAct);
  useEffect(() => {
    if (!isOn) return;
    const press = (event: KeyboardEvent) => {
      const meant = actOf(event, bindings);
      if (meant === null || event.defaultPrevented || hasOwnKeys(event.target, meant)) return;
      if (event.repeat && meant.type !== "back") return;
      event.preventDefault();
      act(meant);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [isOn, bindings]);
}
