import { TextArea } from "@/components/Field";
import { t } from "@/strings";

import type { Bench } from "./bench";

/** Why this order; folded away where it is optional and empty. */
export function Rationale({ bench }: { bench: Bench }) {
  const { rationale } = bench.judgment;
  const isRequired = bench.assignment.form.rationale === "required";
  const field = (
    <TextArea
      label={t.desk.rationaleTitle}
      hint={isRequired ? t.desk.rationaleRequired : t.desk.rationaleOptional}
      dir="auto"
      rows={3}
      maxLength={20_000}
      value={rationale}
      required={isRequired}
      onChange={(event) => bench.act({ type: "rationale", text: event.target.value })}
      className="max-w-3xl"
    />
  );
  if (isRequired) return <div data-part="rationale">{field}</div>;
  return (
    <details data-part="rationale" open={rationale !== "" || undefined} className="group">
      <summary className="text-soft hover:text-ink w-fit rounded-md py-1 text-sm font-semibold">
        {t.desk.rationaleTitle}
      </summary>
      <div className="pt-2">{field}</div>
    </details>
  );
}
