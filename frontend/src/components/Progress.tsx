import { t } from "@/strings";

import { cx } from "./cx";

interface BarProps {
  label: string;
  value: number | null;
  className?: string;
}

/** A share from 0 to 1; null moves without a claim. */
export function ProgressBar({ label, value, className }: BarProps) {
  const share = value === null ? null : Math.min(1, Math.max(0, value));
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(100 * share)}
      aria-valuetext={share === null ? t.common.underWay : undefined}
      className={cx("bg-ink/10 h-1.5 overflow-hidden rounded-full", className)}
    >
      <div
        className={cx(
          "bg-accent h-full rounded-full transition-[width] duration-300",
          share === null && "animate-pulse opacity-40",
        )}
        style={{ width: share === null ? "100%" : `${100 * share}%` }}
      />
    </div>
  );
}
