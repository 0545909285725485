/** What the person had before them, told with each judgment. */
import type { Assignment, NewRanking } from "@/api/types";

import { type Judgment, saidIn } from "./judgment";
import type { Preferences } from "./preferences";
import type { Counted } from "./presence";

const A_DAY_MS = 86_400_000;

export interface Shown {
  preferences: Preferences;
  /** Whether the differences were marked at any time. */
  differences: boolean;
}

type Client = NonNullable<NonNullable<NewRanking["presentation"]>["client"]>;

function client(): Client {
  return {
    width: globalThis.innerWidth,
    height: globalThis.innerHeight,
    touch: globalThis.matchMedia("(pointer: coarse)").matches,
    language: document.documentElement.lang || null,
    theme: document.documentElement.dataset.theme ?? null,
  };
}

function day(milliseconds: number): number {
  return Math.min(A_DAY_MS, Math.round(milliseconds));
}

function visible(ids: readonly number[], { visibleMs }: Counted): Record<number, number> {
  return Object.fromEntries(ids.map((id) => [id, day(visibleMs[id] ?? 0)]));
}

/** The judgment as it is sent. */
export function rankingOf(assignment: Assignment, judgment: Judgment, counted: Counted, shown: Shown): NewRanking {
  const { layout, byPlace } = shown.preferences;
  return {
    ...saidIn(judgment),
    guideline_number: assignment.guideline.number,
    touched: judgment.touched,
    moves: judgment.moves,
    active_ms: day(counted.activeMs),
    presentation: {
      client: client(),
      visible_ms: visible(judgment.ids, counted),
      layout: byPlace ? "by_place" : layout,
      differences_shown: shown.differences,
      first_act_ms: counted.firstActMs === null ? null : day(counted.firstActMs),
    },
  };
}
