import type { Run } from "@/api/types";
import { formatBytes, formatWhen } from "@/components/format";
import { t } from "@/strings";

type Waiting = NonNullable<Run["waiting"]>;

/** Why a queued run is not at work, in words. */
export function waitingText({ why, queue, runs, projects, limit, takes, room, until }: Waiting): string {
  const words = t.order.waits;
  switch (why) {
    case "pause":
      return words.pause(until === null ? "" : formatWhen(until));
    case "worker":
      return words.worker(queue);
    case "devices":
      return words.devices(limit ?? 1);
    case "room":
      return words.room(formatBytes(takes ?? 0), formatBytes(room ?? 0));
    case "project_limit":
      return words.project_limit(runs ?? 0, limit ?? 0);
    case "priority":
      return words.priority(runs ?? 0);
    case "turn":
      return words.turn(runs ?? 0, projects ?? 0);
    case "workers":
      return words.workers(queue);
  }
}
