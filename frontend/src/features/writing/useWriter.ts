import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";

import { myProgressQuery } from "@/api/desk";
import { hasStatus } from "@/api/problem";

import { Writer, type WriterState } from "./writer";

const BEAT_MS = 60_000;
const SIGNED_OUT = 401;

/** The write desk of one person in one project, alive while the page is. */
export function useWriter(userId: number, projectId: number): [Writer, WriterState] {
  const queries = useQueryClient();
  const [writer] = useState(() => new Writer(userId, projectId));
  const state = useSyncExternalStore(writer.subscribe, writer.get);

  useEffect(() => {
    writer.start();
    const online = () => writer.start();
    const timer = setInterval(() => void writer.heartbeat(), BEAT_MS);
    globalThis.addEventListener("online", online);
    return () => {
      clearInterval(timer);
      globalThis.removeEventListener("online", online);
      writer.stop();
    };
  }, [writer]);

  useEffect(() => {
    // The page's own query notices that the session is over and leads to the door.
    if (hasStatus(state.error, SIGNED_OUT))
      void queries.query({ ...myProgressQuery(projectId), staleTime: 0 }).catch(() => undefined);
  }, [queries, projectId, state.error]);

  return [writer, state];
}
