import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";

import { myProgressQuery } from "@/api/desk";
import { hasStatus } from "@/api/problem";
import type { Receipt } from "@/api/types";

import { Desk } from "./desk";
import type { DeskState } from "./deskState";

const SHORTEST_BEAT_MS = 500;
const LONGEST_BEAT_MS = 120_000;

/** A third of the shortest lease, so that two beats may be lost. */
function beatEvery({ deck }: DeskState): number {
  const left = deck.flatMap((one) => (one.leased_until === null ? [] : [Date.parse(one.leased_until) - Date.now()]));
  return Math.min(LONGEST_BEAT_MS, Math.max(SHORTEST_BEAT_MS, Math.min(...left) / 3));
}

/** The desk of one person in one project, alive while the page is. */
export function useDesk(userId: number, projectId: number): [Desk, DeskState] {
  const queries = useQueryClient();
  const [desk] = useState(() => {
    const onReceipt = ({ progress }: Receipt) => {
      const { queryKey } = myProgressQuery(projectId);
      queries.setQueryData(queryKey, (old) => ({ gold: old?.gold ?? null, ...progress }));
      void queries.invalidateQueries({ queryKey: ["my-rankings", projectId] });
    };
    return new Desk(userId, projectId, onReceipt);
  });
  const state = useSyncExternalStore(desk.subscribe, desk.get);

  useEffect(() => {
    desk.start();
    const online = () => desk.start();
    const hide = () => desk.sendSkip(null);
    globalThis.addEventListener("online", online);
    globalThis.addEventListener("pagehide", hide);
    return () => {
      globalThis.removeEventListener("online", online);
      globalThis.removeEventListener("pagehide", hide);
      desk.stop();
    };
  }, [desk]);

  useEffect(() => {
    const timer = setInterval(() => void desk.heartbeat(), beatEvery(state));
    return () => clearInterval(timer);
  }, [desk, state]);

  useEffect(() => {
    // What only this page holds would be lost with it: the browser asks before it closes.
    if (state.isSafe) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    globalThis.addEventListener("beforeunload", ask);
    return () => globalThis.removeEventListener("beforeunload", ask);
  }, [state.isSafe]);

  useEffect(() => {
    // The desk asks the service by itself; the page's own query notices that the session is over and leads to the door.
    if (hasStatus(state.error, 401)) void queries.invalidateQueries({ queryKey: myProgressQuery(projectId).queryKey });
  }, [queries, projectId, state.error]);

  return [desk, state];
}
