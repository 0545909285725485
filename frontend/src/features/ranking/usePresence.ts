import { useCallback, useEffect, useRef, useState } from "react";

import { type Counted, isSeen, noted, type Presence, type Sign, startPresence } from "./presence";
import type { CardId } from "./ranking";

const TICK_MS = 1_000;
const SIGN_EVERY_MS = 500;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchmove"] as const;
const STEPS = Array.from({ length: 21 }, (_, step) => step / 20);

export interface AtDesk {
  /** Up to this moment. */
  counted: () => Counted;
  acted: () => void;
  /** Watches an answer's card; the returned function stops that. */
  watch: (id: CardId, card: HTMLElement) => () => void;
}

/** Time at work on this task, and which answers were in front of the person meanwhile. */
export function usePresence(before: Counted): AtDesk {
  const [first] = useState(() => startPresence(before, Date.now(), document.visibilityState === "visible"));
  const presence = useRef<Presence>(first);
  const note = useCallback((sign: Sign) => {
    presence.current = noted(presence.current, sign, Date.now());
  }, []);

  useEffect(() => {
    const life = () => {
      if (Date.now() - presence.current.lastSign > SIGN_EVERY_MS) note({ type: "life" });
    };
    const page = () => note({ type: "page", isShown: document.visibilityState === "visible" });
    const timer = setInterval(() => note({ type: "tick" }), TICK_MS);
    SIGNS.forEach((name) => document.addEventListener(name, life, { passive: true, capture: true }));
    document.addEventListener("visibilitychange", page);
    return () => {
      clearInterval(timer);
      SIGNS.forEach((name) => document.removeEventListener(name, life, { capture: true }));
      document.removeEventListener("visibilitychange", page);
    };
  }, [note]);

  const watch = useCallback(
    (id: CardId, card: HTMLElement) => {
      const observer = new IntersectionObserver(
        (entries) => {
          const last = entries.at(-1);
          if (last !== undefined) note({ type: "card", id, isSeen: isSeen(last) });
        },
        { threshold: STEPS },
      );
      observer.observe(card);
      return () => {
        observer.disconnect();
        note({ type: "card", id, isSeen: false });
      };
    },
    [note],
  );
  const counted = useCallback((): Counted => {
    note({ type: "tick" });
    const { activeMs, visibleMs, firstActMs } = presence.current;
    return { activeMs, visibleMs, firstActMs };
  }, [note]);
  const acted = useCallback(() => note({ type: "act" }), [note]);
  return { counted, acted, watch };
}
