import type { RewardReport } from "@/api/types";
import { formatCount, formatFigure, formatPercent } from "@/components/format";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { Behind } from "./Block";
import { checksOf } from "./checks";
import { exact } from "./wording";

const FEW = 6;

/** What the run found in its data before it trained: what was left out, what is odd. */
export function DataChecks({ report }: { report: RewardReport }) {
  const { preflight, exposures, warnings } = report;
  const [prompts, judgments, people, pairs] = [
    preflight.prompts,
    preflight.judgments,
    preflight.annotators,
    preflight.pairs,
  ].map(formatCount);
  const { effective_judgments: effective, judgments_per_pair: perPair } = preflight.overlap;
  return (
    <Panel id="data" title={t.report.data}>
      <div className="grid gap-5">
        <p className="max-w-prose">
          {t.report.dataText(prompts ?? "", judgments ?? "", people ?? "", pairs ?? "", formatPercent(preflight.ties))}{" "}
          {t.report.effective(formatCount(Math.round(effective)), exact(perPair))}{" "}
          {exposures.mean !== undefined &&
            t.report.exposures(formatFigure(Number(exposures.mean.toFixed(1))), formatFigure(exposures.most))}
        </p>
        <div className="grid items-start gap-x-10 gap-y-5 lg:grid-cols-2">
          <Checks preflight={preflight} />
          {warnings.length > 0 && <Warnings warnings={warnings} />}
        </div>
      </div>
    </Panel>
  );
}

function Checks({ preflight }: { preflight: RewardReport["preflight"] }) {
  return (
    <table className="w-full text-sm">
      <caption className="sr-only">{t.report.checks}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">{t.report.check}</th>
          <th scope="col">{t.report.found}</th>
        </tr>
      </thead>
      <tbody className="divide-line divide-y">
        {checksOf(preflight).map(({ name, found, look }) => (
          <tr key={name}>
            <th scope="row" className="py-2 pe-4 text-start font-normal">
              {name}
            </th>
            <td className="py-2 text-end tabular-nums">
              {look ? <Pill tone="warn">{found}</Pill> : <span className="text-soft">{found}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** In the recipe's own words. */
function Warnings({ warnings }: { warnings: readonly string[] }) {
  const list = (shown: readonly string[]) => (
    <ul lang="en" className="grid list-disc gap-1 ps-5 text-sm wrap-anywhere">
      {shown.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
  return (
    <section className="grid gap-2">
      <h3 className="font-semibold">{t.report.warnings}</h3>
      {list(warnings.slice(0, FEW))}
      {warnings.length > FEW && (
        <Behind title={t.report.showAll(formatCount(warnings.length))}>{list(warnings.slice(FEW))}</Behind>
      )}
    </section>
  );
}
