import { useMutation, useQueryClient } from "@tanstack/react-query";

import { decidePromotion } from "@/api/loop";
import type { Cycle, ModelVersion } from "@/api/types";
import { Button } from "@/components/Button";
import { ErrorNote, Notice } from "@/components/Notice";
import { t } from "@/strings";

interface CandidateProps {
  cycle: Cycle;
  model: ModelVersion | null;
  projectId: number;
}

/** The one thing the loop asks a person. */
export function Candidate({ cycle, model, projectId }: CandidateProps) {
  const queries = useQueryClient();
  const decide = useMutation({
    mutationFn: (accept: boolean) => decidePromotion(cycle.id, accept),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["loop", projectId] }),
  });
  return (
    <Notice tone="accent" role="status" title={t.loop.candidateTitle(model?.name ?? t.loop.policy)}>
      <p className="text-soft">{cycle.stage === "reward" ? t.loop.rewardCandidateText : t.loop.candidateText}</p>
      {decide.isError && <ErrorNote error={decide.error} />}
      <div className="flex flex-wrap gap-2 pt-2">
        <Button variant="primary" busy={decide.isPending} onClick={() => decide.mutate(true)}>
          {t.loop.promote}
        </Button>
        <Button busy={decide.isPending} onClick={() => decide.mutate(false)}>
          {t.loop.reject}
        </Button>
      </div>
    </Notice>
  );
}
