import type { RunState } from "@/api/types";
import { Pill, type Tone } from "@/components/Pill";
import { t } from "@/strings";

const TONES: Record<RunState, Tone> = {
  queued: "neutral",
  claimed: "accent",
  running: "accent",
  pausing: "warn",
  paused: "warn",
  cancelling: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "neutral",
};

export function StatePill({ state }: { state: RunState }) {
  return (
    <Pill tone={TONES[state]} live={state === "running" || state === "claimed"}>
      {t.runs.states[state]}
    </Pill>
  );
}
