import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { changeMember, removeMember } from "@/api/people";
import { resetPractice } from "@/api/quality";
import type { Member, ProjectSettings, Role, Standing } from "@/api/types";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Switch } from "@/components/Field";
import { formatCount } from "@/components/format";
import { ErrorNote } from "@/components/Notice";
import { Pill } from "@/components/Pill";
import { Time } from "@/components/Time";
import { t } from "@/strings";

import { ROLES } from "./roles";

interface MemberRowProps {
  member: Member;
  projectId: number;
  isSelf: boolean;
  standing: Standing | undefined;
  settings: ProjectSettings | undefined;
}

export function MemberRow({ member, projectId, isSelf, standing, settings }: MemberRowProps) {
  const { user, role } = member;
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (to: { role?: Role; paused?: boolean }) => changeMember(projectId, user.id, to),
    onSettled: () => queries.invalidateQueries({ queryKey: ["members", projectId] }),
  });
  const toggled = change.isSuccess ? change.variables.paused : undefined;
  return (
    <li className="grid gap-x-6 gap-y-2.5 px-5 py-4 md:grid-cols-[minmax(10rem,1fr)_8rem_minmax(10rem,16rem)_9rem] xl:grid-cols-[minmax(12rem,1fr)_8rem_16rem_11rem_17rem]">
      <div className="min-w-0">
        <p className="font-medium">
          {user.name}
          {isSelf && <span className="text-soft font-normal">{` (${t.project.you})`}</span>}
        </p>
        <p className="text-soft text-sm wrap-anywhere">{user.email}</p>
        <p className="text-soft text-sm">
          {t.project.joined} <Time iso={member.joined_at} />
        </p>
        {change.isError && <ErrorNote error={change.error} />}
      </div>
      <RoleSelect
        member={member}
        disabled={isSelf || change.isPending}
        onChange={(to) => change.mutate({ role: to })}
      />
      <div>
        {role !== "researcher" && (
          <Switch
            label={t.project.pausedOf(user.name)}
            checked={!member.paused}
            disabled={change.isPending}
            onChange={(may) => change.mutate({ paused: !may })}
          />
        )}
        <p role="status" className="text-soft text-sm">
          {toggled === undefined ? "" : toggled ? t.project.pausedNow : t.project.mayRankNow}
        </p>
      </div>
      <div>
        {role !== "researcher" && standing !== undefined && settings !== undefined && (
          <Today standing={standing} settings={settings} practises={role === "annotator"} />
        )}
      </div>
      <div className="flex flex-wrap items-start gap-2 md:col-span-full xl:col-span-1 xl:justify-end">
        {role === "annotator" && settings?.practice.required === true && (
          <PracticeReset member={member} projectId={projectId} />
        )}
        {!isSelf && <Remove member={member} projectId={projectId} />}
      </div>
    </li>
  );
}

interface RoleSelectProps {
  member: Member;
  disabled: boolean;
  onChange: (role: Role) => void;
}

function RoleSelect({ member, disabled, onChange }: RoleSelectProps) {
  return (
    <select
      aria-label={t.project.roleOf(member.user.name)}
      value={member.role}
      disabled={disabled}
      onChange={(event) => {
        const chosen = ROLES.find((one) => one === event.target.value);
        if (chosen !== undefined) onChange(chosen);
      }}
      className="border-edge/60 bg-panel h-9 w-full max-w-40 rounded-lg border px-2 disabled:opacity-70 pointer-coarse:h-11"
    >
      {ROLES.map((one) => (
        <option key={one} value={one}>
          {t.project.roles[one]}
        </option>
      ))}
    </select>
  );
}

interface TodayProps {
  standing: Standing;
  settings: ProjectSettings;
  practises: boolean;
}

/** What somebody did today, and how far they are with the practice round where there is one. */
function Today({ standing, settings: { daily_cap: cap, practice }, practises }: TodayProps) {
  const { judged_today: judged, written_today: written, practice_attempt: attempt } = standing;
  return (
    <div className="grid justify-items-start gap-1">
      <p className="text-sm tabular-nums">
        {t.project.didToday(formatCount(judged), cap == null ? null : formatCount(cap))}
        {written > 0 && ` · ${t.project.wroteToday(formatCount(written))}`}
      </p>
      {practises && practice.required && (
        <PracticePill hasPassed={standing.practice_passed_at !== null} attempt={attempt} of={practice.attempts} />
      )}
    </div>
  );
}

function PracticePill({ hasPassed, attempt, of }: { hasPassed: boolean; attempt: number; of: number }) {
  if (hasPassed) return <Pill tone="good">{t.project.practicePassed}</Pill>;
  if (attempt > of) return <Pill tone="bad">{t.project.practiceFailed}</Pill>;
  return <Pill>{t.project.practiceAttempt(attempt, of)}</Pill>;
}

function PracticeReset({ member: { user }, projectId }: { member: Member; projectId: number }) {
  const queries = useQueryClient();
  const reset = useMutation({
    mutationFn: () => resetPractice(projectId, user.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["members", projectId] }),
  });
  return (
    <div className="grid gap-1">
      <Button
        size="small"
        busy={reset.isPending}
        aria-label={t.project.practiceResetThis(user.name)}
        onClick={() => reset.mutate()}
      >
        {t.project.practiceReset}
      </Button>
      <p role="status" className="text-soft text-sm">
        {reset.isSuccess ? t.project.practiceResetDone : ""}
      </p>
      {reset.isError && <ErrorNote error={reset.error} />}
    </div>
  );
}

function Remove({ member: { user }, projectId }: { member: Member; projectId: number }) {
  const [asks, setAsks] = useState(false);
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => removeMember(projectId, user.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["members", projectId] }),
  });
  return (
    <>
      <Button size="small" variant="danger" onClick={() => setAsks(true)} className="self-start">
        {t.project.removeMember}
      </Button>
      {asks && (
        <Dialog title={t.project.removeMember} onClose={() => setAsks(false)}>
          <p>{t.project.removeAsk(user.name)}</p>
          {remove.isError && <ErrorNote error={remove.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => setAsks(false)}>{t.common.cancel}</Button>
            <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
              {t.project.removeMember}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
