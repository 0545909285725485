import { Link } from "@tanstack/react-router";

import type { ModelLineage, ModelVersion } from "@/api/types";
import { cx } from "@/components/cx";
import { Icon } from "@/components/Icon";
import { t } from "@/strings";

/** Where a model came from and what came of it, left to right. */
export function Lineage({ model }: { model: ModelLineage }) {
  const columns = [model.ancestors, [model], model.children].filter((column) => column.length > 0);
  return (
    <ol className="flex flex-wrap items-center gap-3">
      {columns.map((column, place) => (
        <li key={place} className="flex items-center gap-3">
          {place > 0 && <Icon name="arrow" className="text-edge size-5" />}
          <ul className="grid gap-2">
            {column.map((one) => (
              <li key={one.id}>
                <Node model={one} isShown={one.id === model.id} />
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

function Node({ model, isShown }: { model: ModelVersion; isShown: boolean }) {
  return (
    <Link
      to="/p/$projectId/models"
      params={{ projectId: model.project_id }}
      search={{ model: model.id }}
      aria-current={isShown ? "true" : undefined}
      className={cx(
        "block rounded-xl border px-4 py-2.5",
        isShown ? "border-accent bg-accent-soft" : "border-line hover:border-accent",
        model.stage === "archived" && !isShown && "border-dashed",
      )}
    >
      <span className="block font-medium">{model.name}</span>
      <span className="text-soft text-sm">
        {`${t.runs.models.kinds[model.kind]} · ${t.runs.models.stages[model.stage]}`}
      </span>
    </Link>
  );
}
