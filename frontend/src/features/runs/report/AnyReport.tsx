import { Facts } from "@/components/Facts";
import { formatCount } from "@/components/format";
import { Panel } from "@/components/Page";
import { Cell, Table } from "@/components/Table";
import { t } from "@/strings";

import { type Section, sectionsOf } from "./sections";
import { Behind, Block } from "./Block";

const FEW = 10;

/** A report without a page of its own. */
export function AnyReport({ report }: { report: Readonly<Record<string, unknown>> }) {
  const sections = sectionsOf(report);
  if (sections.length === 0) return null;
  return (
    <Panel title={t.report.other}>
      <div className="grid gap-7">
        {sections.map((section) => (
          <Part key={section.title} section={section} />
        ))}
      </div>
    </Panel>
  );
}

function Part({ section: { title, facts, table } }: { section: Section }) {
  const content = (
    <>
      {facts.length > 0 && <Facts className="max-w-2xl" rows={facts} />}
      {table !== null && <Rows caption={title} head={table.head} rows={table.rows.slice(0, FEW)} />}
      {table !== null && table.rows.length > FEW && (
        <Behind title={t.report.showAll(formatCount(table.rows.length))}>
          <Rows caption={title} head={table.head} rows={table.rows.slice(FEW)} />
        </Behind>
      )}
    </>
  );
  return title === "" ? content : <Block title={title}>{content}</Block>;
}

interface RowsProps {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

function Rows({ caption, head, rows }: RowsProps) {
  return (
    <Table caption={caption} head={head} className="border-line rounded-xl border">
      {rows.map((row, place) => (
        <tr key={place}>
          {row.map((text, column) => (
            <Cell key={column} head={column === 0} className={text.length > 40 ? "min-w-80 whitespace-pre-wrap" : ""}>
              {text}
            </Cell>
          ))}
        </tr>
      ))}
    </Table>
  );
}
