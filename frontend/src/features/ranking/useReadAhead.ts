import { useEffect } from "react";

import type { Assignment } from "@/api/types";
import { readingOf } from "@/components/markdown/reading";

const PAUSE_MS = 50;

/** Does the work in an idle moment; not every browser tells one, then after a pause. Returns the way to call it off. */
function whenIdle(work: () => void): () => void {
  if ("requestIdleCallback" in globalThis) {
    const handle = requestIdleCallback(work);
    return () => cancelIdleCallback(handle);
  }
  const timer = setTimeout(work, PAUSE_MS);
  return () => clearTimeout(timer);
}

/** Parses the next task's texts while the person reads this one, one in each idle moment. */
export function useReadAhead(next: Assignment | undefined): void {
  useEffect(() => {
    if (next === undefined) return;
    const prompts = next.prompt.messages.map((message) => String(message.content));
    const texts = [...prompts, ...next.completions.map((card) => card.text)];
    const one = () => {
      const text = texts.shift();
      if (text === undefined) return;
      readingOf(text);
      stop = whenIdle(one);
    };
    let stop = whenIdle(one);
    return () => stop();
  }, [next]);
}
