import type { Run } from "@/api/types";
import { Select, TextField } from "@/components/Field";
import { fieldText } from "@/components/form";
import { t } from "@/strings";

import type { FieldErrors } from "./schema";

export const LEVELS = ["urgent", "normal", "background"] as const satisfies readonly Run["priority"][];

export interface Order {
  priority?: Run["priority"];
  queue?: string;
  devices?: number;
}

/** When and where a run is worked on; what is left alone follows the kind of run and its worker. */
export function OrderFields({ errors, like }: { errors: FieldErrors; like?: Run | undefined }) {
  const isWrong = ["queue", "devices"].some((name) => errors[name] !== undefined);
  return (
    <details open={isWrong || undefined}>
      <summary className="text-soft hover:text-ink w-fit rounded-md py-1 text-sm font-semibold pointer-coarse:py-3">
        {t.order.title}
      </summary>
      <div className="grid gap-4 pt-3 sm:grid-cols-3">
        <Select
          label={t.order.priority}
          hint={t.order.priorityHint}
          name="run_priority"
          defaultValue={like?.priority ?? "normal"}
          options={LEVELS.map((level) => [level, t.order.levels[level]] as const)}
        />
        <TextField
          label={t.order.queue}
          hint={t.order.queueHint}
          name="run_queue"
          pattern="[a-z][a-z0-9_]{0,31}"
          autoComplete="off"
          error={errors.queue ?? undefined}
        />
        <TextField
          label={t.order.devices}
          hint={t.order.devicesHint}
          name="run_devices"
          type="number"
          min={1}
          max={64}
          defaultValue={like?.devices ?? ""}
          error={errors.devices ?? undefined}
        />
      </div>
    </details>
  );
}

/** What of it was said. */
export function orderOf(form: FormData): Order {
  const [queue, devices] = [fieldText(form, "run_queue").trim(), Number(fieldText(form, "run_devices"))];
  return {
    priority: LEVELS.find((level) => level === fieldText(form, "run_priority")) ?? "normal",
    ...(queue === "" ? {} : { queue }),
    ...(devices > 0 ? { devices } : {}),
  };
}
