import type { EvaluationReport } from "@/api/types";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { Behind } from "./Block";
import { type Axis, axisOf, placeOf } from "./geometry";
import { exact } from "./wording";

type Curve = EvaluationReport["curve"];
type Role = "judge" | "proxy";

interface Place {
  x: number;
  y: number;
}

interface Whisker {
  x: number;
  top: number;
  bottom: number;
}

/** Every model over its distance from the reference: where the proxy still rises and the judge does not, stop. */
export function OverOptimisation({ curve }: { curve: Curve }) {
  const best = curve.find((point) => point.recommended);
  return (
    <Panel title={t.report.curve}>
      <div className="grid gap-4">
        <p className="text-soft max-w-prose text-sm">{t.report.curveText}</p>
        {best !== undefined && <p>{t.report.curveBest(best.model)}</p>}
        <Picture curve={curve} />
        <Behind title={t.report.numbers}>
          <Numbers curve={curve} />
        </Behind>
      </div>
    </Panel>
  );
}

/** The places of a role's scores on both axes; models it has not seen are left out. */
export function placesOf(curve: Curve, role: Role, across: Axis, up: Axis): Place[] {
  return curve.flatMap((point) => {
    const seen = point[role];
    return seen === null ? [] : [{ x: placeOf(point.sqrt_kl, across), y: 100 - placeOf(seen.mean, up) }];
  });
}

/** How far the heads of a role's ensemble disagree about each model, around its score. */
export function whiskersOf(curve: Curve, role: Role, across: Axis, up: Axis): Whisker[] {
  return curve.flatMap((point) => {
    const seen = point[role];
    if (seen === null || seen.spread === null) return [];
    const [low, high] = [seen.mean - seen.spread, seen.mean + seen.spread];
    return [{ x: placeOf(point.sqrt_kl, across), top: 100 - placeOf(high, up), bottom: 100 - placeOf(low, up) }];
  });
}

function Picture({ curve }: { curve: Curve }) {
  const across = axisOf([], [0, ...curve.map((point) => point.sqrt_kl)]);
  const means = curve
    .flatMap((point) => [point.judge, point.proxy])
    .flatMap((seen) => (seen === null ? [] : [seen.mean - (seen.spread ?? 0), seen.mean + (seen.spread ?? 0)]));
  const up = axisOf([], means);
  const roles = (["judge", "proxy"] as const).filter((role) => curve.some((point) => point[role] !== null));
  return (
    <figure className="grid max-w-3xl grid-cols-[auto_minmax(0,1fr)] gap-x-2">
      <figcaption className="col-start-2 flex flex-wrap gap-2 pb-3">
        {roles.map((role) => (
          <Pill key={role} tone={role === "judge" ? "accent" : "warn"}>
            {t.report.standings[role]}
          </Pill>
        ))}
      </figcaption>
      <div aria-hidden="true" className="text-soft flex flex-col justify-between text-end text-xs tabular-nums">
        <span>{exact(up[1])}</span>
        <span>{exact(up[0])}</span>
      </div>
      <svg
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
        role="img"
        aria-label={t.report.curveAlt(curve.length)}
        className="border-line h-64 w-full overflow-visible border"
      >
        {roles.map((role) => (
          <Line
            key={role}
            role={role}
            places={placesOf(curve, role, across, up)}
            whiskers={whiskersOf(curve, role, across, up)}
          />
        ))}
      </svg>
      <div aria-hidden="true" className="text-soft col-start-2 flex justify-between pt-1 text-xs tabular-nums">
        <span>{exact(across[0])}</span>
        <span>{t.report.distanceOf}</span>
        <span>{exact(across[1])}</span>
      </div>
    </figure>
  );
}

/** Round dots in a picture that is stretched: lines of no length with round ends. */
function Line({ role, places, whiskers }: { role: Role; places: readonly Place[]; whiskers: readonly Whisker[] }) {
  const isJudge = role === "judge";
  const path = places.map(({ x, y }) => `${x},${y}`).join(" ");
  return (
    <g className={isJudge ? "stroke-accent" : "stroke-warn"} fill="none" strokeLinecap="round">
      <polyline
        points={path}
        strokeWidth="2"
        strokeDasharray={isJudge ? undefined : "5 5"}
        vectorEffect="non-scaling-stroke"
      />
      {whiskers.map(({ x, top, bottom }) => (
        <path key={`${x} ${top}`} d={`M${x} ${top}V${bottom}`} strokeWidth="1" vectorEffect="non-scaling-stroke" />
      ))}
      {places.map(({ x, y }) => (
        <path key={`${x} ${y}`} d={`M${x} ${y}h0`} strokeWidth="9" vectorEffect="non-scaling-stroke" />
      ))}
    </g>
  );
}

/** A mean score, with how far the ensemble's heads disagree where there are several. */
export function scoreOf(seen: Curve[number][Role]): string {
  return seen?.spread == null ? exact(seen?.mean) : `${exact(seen.mean)} ± ${exact(seen.spread)}`;
}

function Numbers({ curve }: { curve: Curve }) {
  const head = [t.report.modelName, t.report.kl, t.report.standings.judge, t.report.standings.proxy];
  return (
    <Table caption={t.report.curve} head={head}>
      {curve.map((point) => (
        <tr key={point.model}>
          <Cell head>
            {point.model} {point.recommended && <Pill tone="good">{t.report.recommended}</Pill>}
          </Cell>
          <Cell>{exact(point.kl)}</Cell>
          <Cell>{scoreOf(point.judge)}</Cell>
          <Cell>{scoreOf(point.proxy)}</Cell>
        </tr>
      ))}
    </Table>
  );
}
