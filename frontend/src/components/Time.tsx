import { formatFull, formatWhen } from "./format";

/** A moment, short; the full date is its tooltip. */
export function Time({ iso, className }: { iso: string; className?: string }) {
  return (
    <time dateTime={iso} title={formatFull(iso)} className={className}>
      {formatWhen(iso)}
    </time>
  );
}
