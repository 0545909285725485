import { useNavigate } from "@tanstack/react-router";
import { useId } from "react";

import type { Session } from "@/api/types";
import { t } from "@/strings";

import { homeFor } from "./navigation";

/** The project's name; a choice where there are several. */
export function ProjectPicker({ projects, projectId }: { projects: Session["projects"]; projectId: number }) {
  const navigate = useNavigate();
  const id = useId();
  const current = projects.find((one) => one.id === projectId);
  if (projects.length < 2) return <p className="text-soft truncate px-2.5 text-sm">{current?.name}</p>;
  const go = (chosen: number) => {
    const next = projects.find((one) => one.id === chosen);
    if (next !== undefined) void navigate({ to: homeFor(next.role), params: { projectId: next.id } });
  };
  return (
    <div>
      <label htmlFor={id} className="sr-only">
        {t.shell.project}
      </label>
      <select
        id={id}
        value={projectId}
        onChange={(event) => go(Number(event.target.value))}
        className="border-edge/60 bg-panel h-9 w-full truncate rounded-lg border px-2 text-sm"
      >
        {projects.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
    </div>
  );
}
