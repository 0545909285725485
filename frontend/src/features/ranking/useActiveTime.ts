import { useCallback, useEffect, useRef } from "react";

const TICK_MS = 1_000;
const IDLE_AFTER_MS = 30_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchmove"] as const;

/** Time at work on this task: seen, and a sign of life in the last half minute. */
export function useActiveTime(startMs: number): () => number {
  const active = useRef(startMs);
  useEffect(() => {
    let lastSign = Date.now();
    const sign = () => {
      lastSign = Date.now();
    };
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" && Date.now() - lastSign < IDLE_AFTER_MS) active.current += TICK_MS;
    }, TICK_MS);
    SIGNS.forEach((name) => document.addEventListener(name, sign, { passive: true, capture: true }));
    return () => {
      clearInterval(timer);
      SIGNS.forEach((name) => document.removeEventListener(name, sign, { capture: true }));
    };
  }, []);
  return useCallback(() => active.current, []);
}
