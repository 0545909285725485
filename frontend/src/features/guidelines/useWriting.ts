import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { guidelinesQuery, saveGuidelines } from "@/api/guidelines";
import { hasStatus } from "@/api/problem";
import type { Guidelines } from "@/api/types";
import { merge } from "@/components/changes";

import { findKept, forget, keep, type Kept } from "./kept";

const CONFLICT = 409;

export type Said = { kind: "restored" } | { kind: "saved"; number: number } | { kind: "merged"; conflicts: number };

export interface Writing {
  text: string;
  basis: Kept["basis"];
  isChanged: boolean;
  said: Said | null;
  /** What somebody saved in between. */
  theirs: Guidelines | null;
  error: unknown;
  isSaving: boolean;
  write: (text: string) => void;
  save: () => void;
  discard: () => void;
  mergeBoth: () => void;
  takeTheirs: () => void;
  keepMine: () => void;
}

/** The guidelines as somebody writes them: on top of which version, and what to do when another one came first. */
export function useWriting(projectId: number, current: Guidelines): Writing {
  const queries = useQueryClient();
  const [kept] = useState(() => findKept(projectId));
  const [{ text, basis }, setWork] = useState<Kept>(kept ?? { text: current.text, basis: current });
  const [said, setSaid] = useState<Said | null>(kept === null ? null : { kind: "restored" });
  const [theirs, setTheirs] = useState<Guidelines | null>(null);

  const put = (work: Kept, words: Said | null) => {
    setWork(work);
    setSaid(words);
    if (work.text === work.basis.text) forget(projectId);
    else keep(projectId, work);
  };
  const save = useMutation({
    mutationFn: (on: Kept["basis"]) => saveGuidelines(projectId, text, on.number),
    onSuccess: async (saved) => {
      put({ text: saved.text, basis: saved }, { kind: "saved", number: saved.number });
      setTheirs(null);
      await queries.invalidateQueries({ queryKey: ["guidelines", projectId] });
      await queries.invalidateQueries({ queryKey: ["guideline-versions", projectId] });
    },
    onError: async (error) => {
      if (hasStatus(error, CONFLICT)) setTheirs(await queries.query({ ...guidelinesQuery(projectId), staleTime: 0 }));
    },
  });
  const settle = (work: Kept, words: Said | null) => {
    put(work, words);
    setTheirs(null);
    save.reset();
  };
  return {
    text,
    basis,
    isChanged: text !== basis.text,
    said,
    theirs,
    error: theirs === null ? save.error : null,
    isSaving: save.isPending,
    write: (after) => put({ text: after, basis }, null),
    save: () => save.mutate(basis),
    discard: () => settle({ text: current.text, basis: current }, null),
    mergeBoth: () => {
      if (theirs === null) return;
      const merged = merge(basis.text, text, theirs.text);
      settle({ text: merged.text, basis: theirs }, { kind: "merged", conflicts: merged.conflicts });
    },
    takeTheirs: () => theirs !== null && settle({ text: theirs.text, basis: theirs }, null),
    keepMine: () => theirs !== null && save.mutate(theirs),
  };
}
