import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { newKey } from "@/api/keys";
import { problemOf } from "@/api/problem";
import { launchRun, runKindsQuery, type WantedRun } from "@/api/runs";
import { sessionQuery } from "@/api/session";
import type { Run, RunKind } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Check, Select } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { ErrorNote, Skeleton } from "@/components/Notice";
import { t } from "@/strings";

import { Estimate } from "./Estimate";
import { ModelChoices } from "./ModelChoices";
import { OrderFields, orderOf } from "./OrderFields";
import { modelsOf } from "./roles";
import {
  changedConfig,
  configOf,
  fieldErrorsOf,
  type FieldErrors,
  filledFrom,
  groupsOf,
  propertiesOf,
  type Property,
} from "./schema";
import { SchemaField } from "./SchemaField";
import { TextChoice } from "./TextChoice";
import { useSettled } from "./useSettled";

interface LaunchProps {
  projectId: number;
  /** An earlier run, whose kind, settings, models and data are taken over where nobody changes them. */
  like?: Run;
  onClose: () => void;
}

/** A run by hand, new or like an earlier one; its form is drawn from the kind's own schema. */
export function LaunchDialog({ projectId, like, onClose }: LaunchProps) {
  const kinds = useQuery(runKindsQuery(projectId));
  const launchable = (kinds.data ?? []).filter((kind) => kind.kind !== "import_model");
  const [chosen, setChosen] = useState<string | null>(null);
  const kind = launchable.find((one) => one.kind === (like?.kind ?? chosen)) ?? launchable[0];
  return (
    <Dialog
      title={like === undefined ? t.runs.launchTitle : t.runs.repeatTitle(like.kind, like.id)}
      onClose={onClose}
      wide
    >
      {kinds.isPending && <Skeleton />}
      {kinds.isError && <ErrorNote error={kinds.error} onRetry={kinds.refetch} />}
      {kind !== undefined && (
        <>
          {like === undefined && (
            <Select
              label={t.runs.launchKind}
              hint={kind.description}
              value={kind.kind}
              onChange={(event) => setChosen(event.target.value)}
              options={launchable.map((one) => [one.kind, t.runs.kindOr(one.kind, one.title)] as const)}
            />
          )}
          <LaunchForm
            key={kind.kind}
            projectId={projectId}
            kind={kind}
            {...(like === undefined ? {} : { like })}
            onClose={onClose}
          />
        </>
      )}
    </Dialog>
  );
}

function LaunchForm({ projectId, kind, like, onClose }: LaunchProps & { kind: RunKind }) {
  const [key] = useState(newKey);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const known = propertiesOf(kind.schema);
  const properties = like === undefined ? known : filledFrom(known, like.config);
  const wantedBy = (form: FormData): WantedRun => ({
    config: like === undefined ? configOf(known, form) : changedConfig(known, like.config, form),
    models: modelsOf(kind.roles, form),
    ...textOf(form),
    ...sameAs(like, form),
    ...orderOf(form),
  });
  const session = useQuery(sessionQuery);
  const role = session.data?.projects.find((project) => project.id === projectId)?.role;
  const form = useRef<HTMLFormElement>(null);
  const [wanted, look] = useSettled(form, wantedBy);
  const launch = useMutation({
    mutationFn: (form: FormData) => {
      const insists = form.get("ignore_estimate") !== null;
      return launchRun(projectId, kind.kind, { ...wantedBy(form), ...(insists ? { ignore_estimate: true } : {}) }, key);
    },
    onSuccess: async (run) => {
      await queries.invalidateQueries({ queryKey: ["runs", projectId] });
      onClose();
      await navigate({ to: "/p/$projectId/runs/$runId", params: { projectId, runId: run.id } });
    },
  });
  const submit = submitting((form) => launch.mutate(form));
  const { first, more } = groupsOf(kind.kind, properties);
  const errors = fieldErrorsOf(launch.isError ? problemOf(launch.error) : null);
  return (
    <form ref={form} onChange={look} onSubmit={submit} className="grid gap-5">
      {kind.roles.length > 0 && (
        <div className="grid gap-4 sm:grid-cols-2">
          <ModelChoices projectId={projectId} roles={kind.roles} errors={errors} before={like?.models} />
          <TextChoice projectId={projectId} kind={kind.kind} error={errors.text_id} chosen={like?.text_id} />
        </div>
      )}
      {first.length > 0 && like === undefined && <p className="text-soft -mb-1 text-sm">{t.runs.launchSettingsHint}</p>}
      <Settings properties={first} errors={errors} />
      {more.length > 0 && <MoreSettings properties={more} errors={errors} />}
      <OrderFields errors={errors} like={like} />
      {like !== undefined && (
        <Check name="same_seed" label={t.runs.sameSeed(like.seed)} hint={t.runs.sameSeedHint} defaultChecked />
      )}
      <Estimate
        projectId={projectId}
        kind={kind.kind}
        wanted={wanted}
        titles={Object.fromEntries(properties.map((property) => [property.name, property.title]))}
        isAdmin={role === "admin"}
      />
      {launch.isError && <ErrorNote error={launch.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button type="submit" variant="primary" busy={launch.isPending}>
          {t.runs.launchGo}
        </Button>
      </div>
    </form>
  );
}

function textOf(form: FormData): { text_id?: number } {
  const chosen = Number(fieldText(form, "text"));
  return chosen > 0 ? { text_id: chosen } : {};
}

/** What an earlier run worked on and nobody chooses here, and its seed where that is asked for. */
function sameAs(like: Run | undefined, form: FormData): { prompt_set_id?: number; seed?: number } {
  if (like === undefined) return {};
  return {
    ...(like.prompt_set_id === null ? {} : { prompt_set_id: like.prompt_set_id }),
    ...(form.get("same_seed") === null ? {} : { seed: like.seed }),
  };
}

interface SettingsProps {
  properties: readonly Property[];
  errors: FieldErrors;
}

function Settings({ properties, errors }: SettingsProps) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      {properties.map((property) => (
        <SchemaField key={property.name} property={property} error={errors[`config.${property.name}`] ?? undefined} />
      ))}
    </div>
  );
}

/** Closed until somebody asks, or until something in it is wrong: what is hidden cannot be corrected. */
function MoreSettings({ properties, errors }: SettingsProps) {
  const wrong = properties.some((property) => errors[`config.${property.name}`] !== undefined);
  const [asked, setAsked] = useState(false);
  return (
    <details
      open={asked || wrong}
      onToggle={(event) => setAsked(event.currentTarget.open)}
      onInvalidCapture={(event) => {
        event.currentTarget.open = true;
      }}
    >
      <summary className="text-soft hover:text-ink w-fit rounded-md py-1 text-sm font-semibold pointer-coarse:py-3">
        {t.runs.launchMore(properties.length)}
      </summary>
      <div className="pt-3">
        <Settings properties={properties} errors={errors} />
      </div>
    </details>
  );
}
