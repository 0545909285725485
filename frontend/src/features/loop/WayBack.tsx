import { useMutation, useQueryClient } from "@tanstack/react-query";

import { goBackTo } from "@/api/loop";
import type { Loop, ModelVersion } from "@/api/types";
import { Button } from "@/components/Button";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { t } from "@/strings";

/** One click back to the model that was live before, for each role that had one. */
export function WayBack({ loop, projectId }: { loop: Loop; projectId: number }) {
  const queries = useQueryClient();
  const back = useMutation({
    mutationFn: (modelId: number) => goBackTo(projectId, modelId),
    onSuccess: () =>
      Promise.all(
        [["loop", projectId], ["models", projectId], ["model"]].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
  const steps = [
    [loop.reward_model, loop.reward_model_before],
    [loop.policy, loop.policy_before],
  ].filter((step): step is [ModelVersion, ModelVersion] => step[0] != null && step[1] != null);
  if (steps.length === 0) return null;
  return (
    <Panel title={t.loop.wayBack}>
      {back.isError && <ErrorNote error={back.error} />}
      <ul className="grid gap-3">
        {steps.map(([live, before]) => (
          <li key={live.id} className="flex flex-wrap items-center justify-between gap-3">
            <span className="text-soft">{t.loop.isLive(live.name)}</span>
            <Button
              size="small"
              busy={back.isPending && back.variables === before.id}
              disabled={back.isPending}
              onClick={() => back.mutate(before.id)}
            >
              {t.loop.goBackTo(before.name)}
            </Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
