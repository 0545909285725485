import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { problemOf } from "@/api/problem";
import { estimateQuery, type WantedRun } from "@/api/runs";
import type { RunEstimate, RunPlace } from "@/api/types";
import { Check } from "@/components/Field";
import { formatBytes, formatCount, formatSeconds } from "@/components/format";
import { Notice } from "@/components/Notice";
import { t } from "@/strings";

interface EstimateProps {
  projectId: number;
  kind: string;
  /** What the form asks for at present; null until it has been read. */
  wanted: WantedRun | null;
  /** What settings are called in the form. */
  titles: Readonly<Record<string, string>>;
  isAdmin: boolean;
}

/** What the run would take, beside what the workers have, before anybody starts it. */
export function Estimate({ projectId, kind, wanted, titles, isAdmin }: EstimateProps) {
  const estimate = useQuery({ ...estimateQuery(projectId, kind, wanted), placeholderData: keepPreviousData });
  if (estimate.isError)
    return <p className="text-soft text-sm">{t.runs.estimate.failed(problemOf(estimate.error).title)}</p>;
  if (estimate.data === undefined) return <p className="text-soft text-sm">{t.runs.estimate.reckoning}</p>;
  const found = estimate.data;
  if (found.why != null) return <p className="text-soft text-sm">{t.runs.estimate.failed(found.why)}</p>;
  const isTooLarge = found.verdict === "too_large";
  return (
    <section aria-label={t.runs.estimate.title} aria-live="polite" className="grid gap-2">
      <Notice tone={isTooLarge ? "bad" : "neutral"} title={summaryOf(found)}>
        {found.places.map((place) => (
          <Place key={place.name} place={place} titles={titles} />
        ))}
        {found.verdict === "no_worker" && <p>{t.runs.estimate.noWorker}</p>}
      </Notice>
      {isTooLarge && isAdmin && (
        <Check name="ignore_estimate" label={t.runs.estimate.insist} hint={t.runs.estimate.insistHint} />
      )}
    </section>
  );
}

/** Tokens and memory in one line; on the workers that are there, their own. */
export function summaryOf(found: RunEstimate): string {
  if (found.tokens === null || found.takes_bytes === null) return t.runs.estimate.unknown;
  const takes = found.places[0]?.takes_bytes ?? found.takes_bytes;
  return t.runs.estimate.summary(formatCount(roughly(found.tokens)), formatBytes(takes));
}

/** An estimate has no more than two digits that mean something. */
export function roughly(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, count))) - 1);
  return Math.round(count / unit) * unit;
}

function Place({ place, titles }: { place: RunPlace; titles: EstimateProps["titles"] }) {
  return (
    <div className="text-sm">
      <p className="wrap-anywhere">
        {place.fits
          ? t.runs.estimate.fits(place.machine, formatBytes(place.room_bytes))
          : t.runs.estimate.tooSmall(place.machine, formatBytes(place.room_bytes), formatBytes(place.takes_bytes))}{" "}
        {place.fits && timeOf(place)}
      </p>
      {place.smaller.length > 0 && (
        <ul className="list-disc pl-5">
          {place.smaller.map((one) => (
            <li key={one.setting}>
              {t.runs.estimate.change(titles[one.setting] ?? one.setting, String(one.value), formatBytes(one.memory))}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function timeOf(place: RunPlace): string {
  if (place.seconds === null) return t.runs.estimate.timeUnknown;
  return t.runs.estimate.time(formatSeconds(place.seconds), place.earlier);
}
