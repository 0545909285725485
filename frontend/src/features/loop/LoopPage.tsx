import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { newKey } from "@/api/keys";
import { cancelCycle, loopQuery, startCycle } from "@/api/loop";
import { changeProject } from "@/api/projects";
import type { Loop, Role } from "@/api/types";
import { Button } from "@/components/Button";
import { Switch } from "@/components/Field";
import { Icon } from "@/components/Icon";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { t } from "@/strings";

import { Blind } from "./Blind";
import { Candidate } from "./Candidate";
import { Decisions } from "./Decisions";
import { Now } from "./Now";
import { Picture } from "./Picture";
import { WayBack } from "./WayBack";

interface LoopPageProps {
  projectId: number;
  projectName: string;
  role: Role;
}

/** The whole loop on one page: where it stands, what runs, what comes next and why. */
export function LoopPage({ projectId, projectName, role }: LoopPageProps) {
  const loop = useQuery(loopQuery(projectId));
  const [isRefused, setRefused] = useState<unknown>(null);
  return (
    <Page
      title={projectName}
      lead={t.loop.lead}
      actions={
        loop.data !== undefined && (
          <Actions loop={loop.data} projectId={projectId} isAdmin={role === "admin"} onRefused={setRefused} />
        )
      }
    >
      {loop.isError && <ErrorNote error={loop.error} onRetry={loop.refetch} />}
      {isRefused !== null && <ErrorNote error={isRefused} />}
      {loop.isPending && <Skeleton lines={8} />}
      {loop.data !== undefined && (
        <>
          {loop.data.cycle?.state === "waiting" && (
            <Candidate cycle={loop.data.cycle} model={loop.data.candidate} projectId={projectId} />
          )}
          <Picture loop={loop.data} />
          <Boxes loop={loop.data} projectId={projectId} />
        </>
      )}
    </Page>
  );
}

/** What is under way before the long diary, also where one column is all there is room for. */
function Boxes({ loop, projectId }: { loop: Loop; projectId: number }) {
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1.15fr)_minmax(0,1fr)] lg:grid-rows-[auto_1fr]">
      <div className="lg:col-start-2">
        <Now loop={loop} />
      </div>
      <div className="grid gap-5 lg:col-start-1 lg:row-span-2 lg:row-start-1">
        <Decisions decisions={loop.decisions} projectId={projectId} />
        <Blind projectId={projectId} liveId={loop.policy?.id ?? null} />
      </div>
      <div className="lg:col-start-2">
        <WayBack loop={loop} projectId={projectId} />
      </div>
    </div>
  );
}

interface ActionsProps {
  loop: Loop;
  projectId: number;
  isAdmin: boolean;
  onRefused: (error: unknown) => void;
}

function isAutomatic({ settings }: Loop): boolean {
  return settings.retrain_after_comparisons != null || settings.retrain_every_hours != null;
}

function Actions({ loop, projectId, isAdmin, onRefused }: ActionsProps) {
  const queries = useQueryClient();
  const refresh = async () => {
    onRefused(null);
    await queries.invalidateQueries({ queryKey: ["loop", projectId] });
  };
  const [key, setKey] = useState(newKey);
  const start = useMutation({
    mutationFn: () => startCycle(projectId, key),
    onSuccess: refresh,
    onError: onRefused,
    onSettled: () => setKey(newKey()),
  });
  const stop = useMutation({ mutationFn: cancelCycle, onSuccess: refresh, onError: onRefused });
  const pause = useMutation({
    mutationFn: (paused: boolean) => changeProject(projectId, { settings: { loop: { paused } } }),
    onSuccess: refresh,
    onError: onRefused,
  });
  const { cycle } = loop;
  const isUnderWay = cycle !== null && ["running", "waiting"].includes(cycle.state);
  return (
    <>
      {loop.settings.paused ? (
        <Pill tone="warn">{t.loop.paused}</Pill>
      ) : (
        <Pill tone={isAutomatic(loop) ? "good" : "neutral"}>{isAutomatic(loop) ? t.loop.byItself : t.loop.byHand}</Pill>
      )}
      {isAdmin && (
        <span className="px-2">
          <Switch
            label={t.loop.pause}
            checked={loop.settings.paused}
            disabled={pause.isPending}
            onChange={(paused) => pause.mutate(paused)}
          />
        </span>
      )}
      {isUnderWay && (
        <Button variant="danger" busy={stop.isPending} onClick={() => stop.mutate(cycle.id)}>
          {t.loop.cancelCycle}
        </Button>
      )}
      <Button
        variant="primary"
        disabled={isUnderWay}
        title={isUnderWay ? t.loop.running : undefined}
        busy={start.isPending}
        onClick={() => start.mutate()}
      >
        <Icon name="play" />
        {t.loop.run}
      </Button>
    </>
  );
}
