import type { Cycle } from "@/api/types";
import { cx } from "@/components/cx";
import { Icon } from "@/components/Icon";
import { t } from "@/strings";

const ORDER: Cycle["stage"][] = ["reward", "ppo", "promotion", "sample"];

/** Where the cycle is on its way. */
export function Stages({ cycle }: { cycle: Cycle }) {
  const at = cycle.stage === "done" ? ORDER.length : ORDER.indexOf(cycle.stage);
  return (
    <ol className="flex flex-wrap gap-x-4 gap-y-2 text-sm">
      {ORDER.map((stage, place) => (
        <li
          key={stage}
          aria-current={place === at ? "step" : undefined}
          className={cx(
            "flex items-center gap-1.5",
            place === at ? "text-accent font-semibold" : place < at ? "text-ink" : "text-soft",
          )}
        >
          {place < at ? (
            <Icon name="check" className="text-good size-4" />
          ) : (
            <span
              aria-hidden="true"
              className={cx("size-2 rounded-full", place === at ? "bg-accent animate-pulse" : "border-edge border")}
            />
          )}
          {t.loop.stages[stage]}
        </li>
      ))}
    </ol>
  );
}
