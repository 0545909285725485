import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { guidelinesQuery, guidelineVersionQuery, markGuidelinesSeen } from "@/api/guidelines";

export interface Guidelines {
  text: string;
  number: number | null;
  /** The version this person saw last. */
  seen: number | null;
  /** Its text, where there is a newer one. */
  before: string | null;
  isNew: boolean;
  markSeen: () => void;
}

/** The project's guidelines; looked at again when a task comes with a newer version of them. */
export function useGuidelines(projectId: number, newest: number | null): Guidelines {
  const queries = useQueryClient();
  const { queryKey } = guidelinesQuery(projectId);
  const now = useQuery(guidelinesQuery(projectId)).data;
  const number = now?.number ?? null;
  const seen = now?.seen ?? null;
  const isNew = number !== null && number !== seen;
  const earlier = useQuery({
    ...guidelineVersionQuery(projectId, seen ?? 0),
    enabled: isNew && seen !== null,
  }).data;
  const marking = useMutation({
    mutationFn: (version: number) => markGuidelinesSeen(projectId, version),
    onMutate: (version) => {
      queries.setQueryData(queryKey, (old) => (old === undefined ? old : { ...old, seen: version }));
    },
  });

  useEffect(() => {
    if (newest !== null && number !== null && newest > number) void queries.invalidateQueries({ queryKey });
  }, [newest, number, queries, queryKey]);

  const markSeen = () => {
    if (number !== null && isNew) marking.mutate(number);
  };
  return { text: now?.text ?? "", number, seen, before: isNew ? (earlier?.text ?? null) : null, isNew, markSeen };
}
