import { useQuery } from "@tanstack/react-query";

import { gateQuery } from "@/api/runs";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { gateBasis, gateRows, gateVerdict } from "./gate";

/** Whether the new reward model may take the live one's place: the verdict, then the figures it rests on. */
export function GatePanel({ runId }: { runId: number }) {
  const gate = useQuery(gateQuery(runId));
  if (gate.isError) return <ErrorNote error={gate.error} onRetry={gate.refetch} />;
  if (gate.data === undefined) return <Skeleton lines={3} />;
  const { tone, text } = gateVerdict(gate.data);
  return (
    <Panel
      id="gate"
      title={t.report.gate}
      actions={<Pill tone={tone}>{t.report.gateVerdicts[gate.data.verdict]}</Pill>}
    >
      <div className="grid gap-4">
        <p className="max-w-[80ch]">{text}</p>
        <Table caption={t.report.gate} head={t.report.gateColumns}>
          {gateRows(gate.data).map(([name, ...figures]) => (
            <tr key={name}>
              <Cell head>{name}</Cell>
              {figures.map((figure, place) => (
                <Cell key={t.report.gateColumns[place + 1]} className="tabular-nums">
                  {figure}
                </Cell>
              ))}
            </tr>
          ))}
        </Table>
        <p className="text-soft max-w-prose text-sm">
          {t.report.gateText} {gateBasis(gate.data)}
        </p>
      </div>
    </Panel>
  );
}
