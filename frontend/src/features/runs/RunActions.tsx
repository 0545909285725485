import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { cancelRun, continueRun, isFinal, pauseRun, runQuery } from "@/api/runs";
import type { Run, RunState } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { ErrorNote } from "@/components/Notice";
import { t } from "@/strings";

import { LaunchDialog } from "./LaunchDialog";

const PAUSABLE: readonly RunState[] = ["queued", "claimed", "running", "pausing"];
const CONTINUABLE: readonly RunState[] = ["paused", "cancelled"];

interface ActionsProps {
  run: Run;
  onContinued: () => void;
}

/** What a person can do about a run in its present state. */
export function RunActions({ run, onContinued }: ActionsProps) {
  const pause = useChange(run, pauseRun);
  const goOn = useChange(run, continueRun, onContinued);
  const refused = [pause, goOn].find((one) => one.isError);
  return (
    <>
      {PAUSABLE.includes(run.state) && (
        <Button onClick={() => pause.mutate()} busy={pause.isPending} disabled={run.state === "pausing"}>
          {t.runs.pause}
        </Button>
      )}
      {CONTINUABLE.includes(run.state) && (
        <Button variant="primary" onClick={() => goOn.mutate()} busy={goOn.isPending}>
          {t.runs.goOn}
        </Button>
      )}
      {run.kind !== "import_model" && <Repeat run={run} />}
      {!isFinal(run.state) && <Cancel run={run} />}
      {refused !== undefined && <ErrorNote error={refused.error} />}
    </>
  );
}

/** One of the things that can be done to a run; the answer is the run as it is then. */
function useChange(run: Run, change: (runId: number) => Promise<Run>, onDone?: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => change(run.id),
    onSuccess: (changed) => {
      queries.setQueryData(runQuery(run.id).queryKey, changed);
      onDone?.();
    },
  });
}

/** The launch dialog, filled from this run. */
function Repeat({ run }: { run: Run }) {
  const [asks, setAsks] = useState(false);
  return (
    <>
      <Button onClick={() => setAsks(true)}>{t.runs.repeat}</Button>
      {asks && <LaunchDialog projectId={run.project_id} like={run} onClose={() => setAsks(false)} />}
    </>
  );
}

function Cancel({ run }: { run: Run }) {
  const [asks, setAsks] = useState(false);
  const cancel = useChange(run, cancelRun, () => setAsks(false));
  return (
    <>
      <Button variant="danger" onClick={() => setAsks(true)} disabled={run.state === "cancelling"}>
        {t.runs.cancel}
      </Button>
      {asks && (
        <Dialog title={t.runs.cancel} onClose={() => setAsks(false)}>
          <p>{t.runs.cancelAsk}</p>
          {cancel.isError && <ErrorNote error={cancel.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => setAsks(false)}>{t.runs.keepRunning}</Button>
            <Button variant="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
              {t.runs.cancel}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
