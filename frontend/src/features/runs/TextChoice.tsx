import { useQuery } from "@tanstack/react-query";

import { textsQuery } from "@/api/datasets";
import { Select } from "@/components/Field";
import { formatBytes } from "@/components/format";
import { t } from "@/strings";

interface TextChoiceProps {
  projectId: number;
  kind: string;
  error: string | undefined;
  chosen?: number | null | undefined;
}

/** Kinds of runs that read a raw text: one cannot do without, the others mix it in or look what was forgotten. */
const READERS = ["pretrain", "sft", "ppo", "evaluate"];

/** Which of the project's texts a run reads; a project without texts is asked nothing, but where one is needed. */
export function TextChoice({ projectId, kind, error, chosen }: TextChoiceProps) {
  const reads = READERS.includes(kind);
  const texts = useQuery({ ...textsQuery(projectId), enabled: reads });
  const items = texts.data?.items ?? [];
  const isNeeded = kind === "pretrain";
  if (!reads || (items.length === 0 && !isNeeded)) return null;
  const options = items.map((one) => [String(one.id), `${one.name} · ${formatBytes(one.bytes)}`] as const);
  return (
    <Select
      // The choice is made when the select is first drawn: again once there is something to choose from.
      key={options.length}
      defaultValue={chosen ?? undefined}
      label={t.runs.text}
      hint={items.length === 0 ? t.runs.textMissing : t.runs.textHint}
      error={error}
      name="text"
      required={isNeeded}
      options={isNeeded ? options : [["", t.runs.leftOpen.none], ...options]}
    />
  );
}
