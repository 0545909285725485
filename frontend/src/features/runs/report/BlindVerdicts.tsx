import { useQuery } from "@tanstack/react-query";

import { blindComparisonsOfRunQuery } from "@/api/blind";
import { Panel } from "@/components/Page";
import { WinRate } from "@/components/WinRate";
import { verdictOf } from "@/components/votes";
import { t } from "@/strings";

/** The verdict that needs no judge of ours: what people who knew nothing said of the policy that was evaluated. */
export function BlindVerdicts({ runId }: { runId: number }) {
  const comparisons = useQuery(blindComparisonsOfRunQuery(runId));
  const told = comparisons.data?.items ?? [];
  if (told.length === 0) return null;
  return (
    <Panel title={t.blind.ofPolicy}>
      <ul className="divide-line grid divide-y">
        {told.map((one) => (
          <li key={one.id} className="grid gap-1 py-3 first:pt-0">
            <h3 className="font-medium wrap-anywhere">{t.blind.pair(one.candidate, one.rival)}</h3>
            <WinRate comparison={one} />
            <p className="text-soft text-sm">{verdictOf(one)}</p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
