import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { makeKnownAnswer } from "@/api/quality";
import type { Assignment, Completion, KnownPurpose, Prompt } from "@/api/types";
import { Button } from "@/components/Button";
import { Check, TextArea } from "@/components/Field";
import { ErrorNote } from "@/components/Notice";
import { Panel } from "@/components/Page";
import { Segments } from "@/components/Segments";
import { OrderField } from "@/features/trial/OrderField";
import { taskOf } from "@/features/trial/taskOf";
import { t } from "@/strings";

import { PURPOSES } from "./purposes";

const MOST = 9;

interface OrderFormProps {
  projectId: number;
  prompt: Prompt;
  completions: Completion[];
  purpose: KnownPurpose;
  onOther: () => void;
}

export function OrderForm({ projectId, prompt, completions, purpose: first, onOther }: OrderFormProps) {
  const [chosen, setChosen] = useState(() => completions.slice(0, MOST).map((one) => one.id));
  const [tiers, setTiers] = useState<number[][]>([]);
  const [purpose, setPurpose] = useState<KnownPurpose>(first);
  const [explanation, setExplanation] = useState("");
  const task = useMemo(
    () =>
      taskOf(
        prompt,
        completions.filter((one) => chosen.includes(one.id)),
      ),
    [prompt, completions, chosen],
  );
  const save = useSave(projectId, () => ({
    prompt_id: prompt.id,
    completion_ids: chosen,
    purpose,
    tiers,
    explanation: explanation.trim(),
  }));
  return (
    <div className="grid gap-5">
      {completions.length > 2 && <Choice completions={completions} chosen={chosen} onChange={setChosen} />}
      <Panel
        title={t.quality.orderTitle}
        actions={
          <Button size="small" onClick={onOther}>
            {t.quality.otherPrompt}
          </Button>
        }
      >
        <p className="text-soft -mt-1 pb-4 text-sm">{t.quality.orderText}</p>
        <OrderField key={chosen.join()} assignment={task} onTiers={setTiers} />
      </Panel>
      <Panel title={t.quality.aboutTitle}>
        <div className="grid max-w-2xl gap-4">
          <div className="grid gap-2">
            <Segments
              label={t.quality.purpose}
              value={purpose}
              options={PURPOSES.map((one) => [one, t.quality.purposes[one]] as const)}
              onChange={setPurpose}
              className="justify-self-start"
            />
            <p className="text-soft text-sm">{t.quality.purposeTexts[purpose]}</p>
          </div>
          <TextArea
            label={t.quality.explanation}
            hint={t.quality.explanationHint}
            rows={4}
            dir="auto"
            value={explanation}
            onChange={(event) => setExplanation(event.target.value)}
          />
        </div>
      </Panel>
      <Save task={task} tiers={tiers} save={save} />
    </div>
  );
}

function useSave(projectId: number, answer: () => Parameters<typeof makeKnownAnswer>[1]) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => makeKnownAnswer(projectId, answer()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["known-answers", projectId] });
      await navigate({ to: "/p/$projectId/known", params: { projectId } });
    },
  });
}

interface SaveProps {
  task: Assignment;
  tiers: number[][];
  save: ReturnType<typeof useSave>;
}

function Save({ task, tiers, save }: SaveProps) {
  const placed = new Set(tiers.flat());
  const open = task.completions.filter((card) => !placed.has(card.id)).map((card) => card.letter);
  return (
    <div className="border-line bg-panel shadow-float sticky bottom-3 z-30 flex flex-wrap items-center gap-3 rounded-2xl border px-5 py-3">
      <p role="status" className="text-soft me-auto text-sm">
        {open.length > 0 ? t.quality.notOrdered(open.join(" ")) : ""}
      </p>
      <Button
        variant="primary"
        busy={save.isPending}
        disabled={open.length > 0 || task.completions.length < 2}
        onClick={() => save.mutate()}
      >
        {t.quality.make}
      </Button>
      {save.isError && (
        <div className="w-full">
          <ErrorNote error={save.error} />
        </div>
      )}
    </div>
  );
}

interface ChoiceProps {
  completions: Completion[];
  chosen: readonly number[];
  onChange: (ids: number[]) => void;
}

function Choice({ completions, chosen, onChange }: ChoiceProps) {
  const toggle = (id: number) => {
    const isIn = chosen.includes(id);
    if (!isIn && chosen.length >= MOST) return;
    onChange(completions.map((one) => one.id).filter((one) => (one === id ? !isIn : chosen.includes(one))));
  };
  return (
    <Panel title={t.quality.chooseAnswers}>
      <p className="text-soft -mt-1 pb-2 text-sm">{t.quality.chooseAnswersText}</p>
      <div className="grid gap-1">
        {completions.map((one) => (
          <Check
            key={one.id}
            checked={chosen.includes(one.id)}
            onChange={() => toggle(one.id)}
            label={<span className="line-clamp-1 wrap-anywhere">{one.text}</span>}
            hint={one.author.name}
          />
        ))}
      </div>
    </Panel>
  );
}
