import { useEffect, useEffectEvent } from "react";

import type { Assignment } from "@/api/types";
import { Answers } from "@/features/ranking/Answers";
import { Conversation } from "@/features/ranking/Conversation";
import { DragField } from "@/features/ranking/DragField";
import { Order } from "@/features/ranking/Order";
import { usePreferences } from "@/features/ranking/preferences";
import { toTiers } from "@/features/ranking/ranking";

import { useTrial } from "./useTrial";

/** The desk's way of ordering answers, for whoever says what the right order is. */
export function OrderField({ assignment, onTiers }: { assignment: Assignment; onTiers: (tiers: number[][]) => void }) {
  const [preferences] = usePreferences();
  const [bench, words] = useTrial(assignment);
  const { ranking } = bench.judgment;
  const tell = useEffectEvent(onTiers);
  useEffect(() => tell(toTiers(ranking)), [ranking]);
  return (
    <DragField bench={bench}>
      <div className="bench grid gap-4">
        <Conversation messages={assignment.prompt.messages} raw={false} />
        <Order bench={bench} />
        <Answers bench={bench} preferences={preferences} showsDifferences={false} />
      </div>
      <p aria-live="polite" className="sr-only">
        {words}
      </p>
    </DragField>
  );
}
