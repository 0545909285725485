/** The parts of the page that only some texts need, each fetched when the first such text is shown. */
import type { Root } from "hast";
import { useEffect, useSyncExternalStore } from "react";

import type { Reading } from "./reading";

export type Step = (root: Root) => Root;

class Part {
  private step: Step | null = null;
  private isOnItsWay = false;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly fetch: () => Promise<Step>) {}

  readonly get = (): Step | null => this.step;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  async load(): Promise<void> {
    if (this.step !== null || this.isOnItsWay) return;
    this.isOnItsWay = true;
    try {
      this.step = await this.fetch();
      this.listeners.forEach((listener) => listener());
    } catch (error) {
      console.warn("A part of the page could not be loaded; the text is shown without it.", error);
    } finally {
      this.isOnItsWay = false;
    }
  }
}

const formulas = new Part(async () => (await import("./formulaTree")).withFormulas);
const colours = new Part(async () => (await import("./highlight")).withColours);

export interface Parts {
  formulas: Step | null;
  colours: Step | null;
}

/** The parts that a text needs and that are here; the page draws itself again when another comes. */
export function useParts(reading: Reading | null): Parts {
  const needsFormulas = reading?.hasMath === true;
  const needsColours = reading?.hasCode === true;
  useEffect(() => {
    if (needsFormulas) void formulas.load();
    if (needsColours) void colours.load();
  }, [needsFormulas, needsColours]);
  const setter = useSyncExternalStore(formulas.subscribe, formulas.get);
  const painter = useSyncExternalStore(colours.subscribe, colours.get);
  return { formulas: needsFormulas ? setter : null, colours: needsColours ? painter : null };
}
