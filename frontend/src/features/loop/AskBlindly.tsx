import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { askBlindly } from "@/api/blind";
import type { BlindWish } from "@/api/blind";
import { newKey } from "@/api/keys";
import { modelsQuery } from "@/api/models";
import type { ModelVersion } from "@/api/types";
import { Button } from "@/components/Button";
import { Select, TextField } from "@/components/Field";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

const PROMPTS = 200;

function writers(models: readonly ModelVersion[]): readonly ModelVersion[] {
  return models.filter((one) => one.kind !== "reward" && one.artifact !== null);
}

/** Ask people which of two versions answers better. */
export function AskBlindly({ projectId, liveId }: { projectId: number; liveId: number | null }) {
  const queries = useQueryClient();
  const models = useQuery(modelsQuery(projectId));
  const [key, setKey] = useState(newKey);
  const ask = useMutation({
    mutationFn: (wish: BlindWish) => askBlindly(projectId, key, wish),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["blind", projectId] }),
    onSettled: () => setKey(newKey()),
  });
  const known = writers(models.data?.items ?? []);
  const others = known.filter((one) => one.id !== liveId);
  if (models.data === undefined) return null;
  if (liveId === null || others.length === 0) return <p className="text-soft text-sm">{t.blind.nothingToCompare}</p>;
  const submit = (form: FormData) =>
    ask.mutate({
      candidate_id: Number(form.get("candidate")),
      rival_id: Number(form.get("rival")),
      prompts: Number(form.get("prompts")),
    });
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit(new FormData(event.currentTarget));
      }}
    >
      <div className="grid items-start gap-4 sm:grid-cols-3">
        <Select label={t.blind.candidate} name="candidate" options={others.map(option)} />
        <Select label={t.blind.rival} name="rival" defaultValue={liveId} options={known.map(option)} />
        <TextField
          label={t.blind.prompts}
          name="prompts"
          type="number"
          min={1}
          max={5000}
          required
          defaultValue={PROMPTS}
        />
      </div>
      <p className="text-soft text-sm">{t.blind.takes}</p>
      {ask.isError && <ErrorNote error={ask.error} />}
      <div>
        <Button type="submit" busy={ask.isPending}>
          {t.blind.ask}
        </Button>
      </div>
    </form>
  );
}

function option({ id, name, stage }: ModelVersion): readonly [string, string] {
  return [String(id), stage === "live" ? `${name} (${t.loop.live})` : name];
}
