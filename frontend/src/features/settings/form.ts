/** Between the form of a project's settings and what is stored. */
import type { ProjectSettings } from "@/api/types";

type Patch = Record<string, unknown>;

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

function figure(form: FormData, name: string): number | null {
  const value = text(form, name).trim();
  return value === "" ? null : Number(value);
}

/** The whole of what the form shows; null brings a default back, or turns a rule off. */
export function settingsIn(form: FormData, before: ProjectSettings): Patch {
  const isAutomatic = form.has("automatic");
  return {
    completions_per_task: figure(form, "completions_per_task"),
    overlap: figure(form, "overlap"),
    ties_allowed: form.has("ties_allowed"),
    ask_rating: form.has("ask_rating"),
    ask_flags: form.has("ask_flags"),
    flags: text(form, "flags").split(/\s+/u).filter(Boolean),
    rationale: text(form, "rationale"),
    lease_minutes: figure(form, "lease_minutes"),
    edit_window_minutes: figure(form, "edit_window_minutes"),
    guidelines: text(form, "guidelines"),
    sampling: {
      temperature: figure(form, "temperature"),
      top_p: figure(form, "top_p"),
      max_new_tokens: figure(form, "max_new_tokens"),
    },
    loop: {
      paused: before.loop.paused,
      retrain_after_comparisons: isAutomatic ? figure(form, "retrain_after_comparisons") : null,
      retrain_every_hours: isAutomatic ? figure(form, "retrain_every_hours") : null,
      run_ppo: form.has("run_ppo"),
      promotion: text(form, "promotion"),
      keep_tasks_ready: figure(form, "keep_tasks_ready"),
    },
  };
}
