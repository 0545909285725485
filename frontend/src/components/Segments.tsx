import { cx } from "./cx";

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
  className?: string;
}

/** One of a few views, all of them in sight. */
export function Segments<T extends string>({ label, value, options, onChange, className }: SegmentsProps<T>) {
  return (
    <div
      role="group"
      aria-label={label}
      className={cx("bg-ink/6 inline-flex max-w-full gap-0.5 overflow-x-auto rounded-lg p-0.5", className)}
    >
      {options.map(([one, text]) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === value}
          onClick={() => onChange(one)}
          className={cx(
            "h-8 rounded-md px-3 text-sm font-semibold whitespace-nowrap transition-colors -outline-offset-2! pointer-coarse:h-11",
            one === value ? "bg-panel text-ink shadow-lift dark:bg-ink/15" : "text-soft hover:text-ink",
          )}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
