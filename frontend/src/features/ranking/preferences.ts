/** How a person likes the desk; kept in this browser. */
import { useCallback, useState } from "react";

import { type Bindings, DEFAULT_BINDINGS } from "./keys";

export interface Preferences {
  layout: "columns" | "stack";
  byPlace: boolean;
  raw: boolean;
  singleKeys: boolean;
  bindings: Bindings;
}

const SLOT = "plackett.desk";
const USUAL: Preferences = {
  layout: "columns",
  byPlace: false,
  raw: false,
  singleKeys: true,
  bindings: DEFAULT_BINDINGS,
};

function stored(): Preferences {
  try {
    const kept = JSON.parse(localStorage.getItem(SLOT) ?? "{}") as Partial<Preferences>;
    return { ...USUAL, ...kept, raw: false, bindings: { ...DEFAULT_BINDINGS, ...kept.bindings } };
  } catch (unreadable) {
    console.warn("The desk's preferences cannot be read; the usual ones are used.", unreadable);
    return USUAL;
  }
}

export function usePreferences(): [Preferences, (change: Partial<Preferences>) => void] {
  const [preferences, set] = useState(stored);
  const change = useCallback((part: Partial<Preferences>) => {
    set((before) => {
      const after = { ...before, ...part };
      try {
        localStorage.setItem(SLOT, JSON.stringify(after));
      } catch (full) {
        console.warn("The desk's preferences last for this visit only.", full);
      }
      return after;
    });
  }, []);
  return [preferences, change];
}
