/** Between the form of a project's settings and what is stored. */
import type { ProjectSettings } from "@/api/types";

type Patch = Record<string, unknown>;
/** The settings that are lists; they are edited entry by entry, not as fields. */
export type Lists = Record<"flags" | "aspects" | "prompt_flags", readonly string[]>;

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

function figure(form: FormData, name: string): number | null {
  const value = text(form, name).trim();
  return value === "" ? null : Number(value);
}

function share(form: FormData, name: string): number | null {
  const percent = figure(form, name);
  return percent === null ? null : percent / 100;
}

export function listsOf({ flags, aspects, prompt_flags }: ProjectSettings): Lists {
  return { flags: flags ?? [], aspects: aspects ?? [], prompt_flags: prompt_flags ?? [] };
}

/** What is asked of the person at the desk. */
function questionsIn(form: FormData) {
  return {
    completions_per_task: figure(form, "completions_per_task"),
    ties_allowed: form.has("ties_allowed"),
    ask_strength: text(form, "ask_strength"),
    rationale: text(form, "rationale"),
    ask_none_acceptable: form.has("ask_none_acceptable"),
    ask_rating: form.has("ask_rating"),
    ask_flags: form.has("ask_flags"),
  };
}

/** Who works on what, and how well. */
function workIn(form: FormData) {
  return {
    gold_rate: share(form, "gold_percent"),
    practice: {
      required: form.has("practice_required"),
      pass_share: share(form, "practice_pass_percent"),
      attempts: figure(form, "practice_attempts"),
    },
    mask_model_names: form.has("mask_model_names"),
    overlap: figure(form, "overlap"),
    daily_cap: figure(form, "daily_cap"),
    lease_minutes: figure(form, "lease_minutes"),
    edit_window_minutes: figure(form, "edit_window_minutes"),
    annotators_write: form.has("annotators_write"),
    rank_demonstrations: form.has("rank_demonstrations"),
  };
}

function writersIn(form: FormData) {
  return {
    live: figure(form, "writer_live"),
    candidate: figure(form, "writer_candidate"),
    reference: figure(form, "writer_reference"),
    older: figure(form, "writer_older"),
  };
}

function machineIn(form: FormData, before: ProjectSettings) {
  const isAutomatic = form.has("automatic");
  return {
    sampling: {
      temperature: figure(form, "temperature"),
      top_p: figure(form, "top_p"),
      max_new_tokens: figure(form, "max_new_tokens"),
    },
    runs_at_once: figure(form, "runs_at_once"),
    loop: {
      paused: before.loop.paused,
      retrain_after_comparisons: isAutomatic ? figure(form, "retrain_after_comparisons") : null,
      retrain_every_hours: isAutomatic ? figure(form, "retrain_every_hours") : null,
      run_ppo: form.has("run_ppo"),
      promotion: text(form, "promotion"),
      blind_votes: figure(form, "blind_votes"),
      judge_prompts: figure(form, "judge_prompts"),
      judge_people_apart: form.has("judge_people_apart"),
      keep_tasks_ready: figure(form, "keep_tasks_ready"),
      reference_prompts: figure(form, "reference_prompts"),
      writers: writersIn(form),
      cycles_per_day: isAutomatic ? figure(form, "cycles_per_day") : null,
      compute_minutes_per_day: isAutomatic ? figure(form, "compute_minutes_per_day") : null,
    },
  };
}

/** The whole of what the form shows; null brings a default back, or turns a rule off. */
export function settingsIn(form: FormData, lists: Lists, before: ProjectSettings): Patch {
  return { ...questionsIn(form), ...lists, ...workIn(form), ...machineIn(form, before) };
}

/** What the desk would ask if the form were saved as it stands; unfinished fields count as they were. */
export function askedIn(form: FormData, lists: Lists, before: ProjectSettings): ProjectSettings {
  const questions = questionsIn(form);
  const said = Object.entries(questions).filter(([, value]) => value !== null && value !== "");
  return { ...before, ...Object.fromEntries(said), ...mutable(lists) };
}

function mutable(lists: Lists): Record<keyof Lists, string[]> {
  return { flags: [...lists.flags], aspects: [...lists.aspects], prompt_flags: [...lists.prompt_flags] };
}
