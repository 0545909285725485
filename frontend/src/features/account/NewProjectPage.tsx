import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { createProject } from "@/api/projects";
import { sessionQuery } from "@/api/session";
import { Button } from "@/components/Button";
import { TextArea, TextField } from "@/components/Field";
import { fieldText, submitting } from "@/components/form";
import { EmptyState, ErrorNote } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { t } from "@/strings";

export function NewProjectPage({ isOperator }: { isOperator: boolean }) {
  return (
    <main>
      <Page title={isOperator ? t.shell.createProject : t.shell.noProject} narrow>
        <Panel>
          {isOperator ? <NewProjectForm /> : <EmptyState title={t.shell.noProject}>{t.shell.noProjectText}</EmptyState>}
        </Panel>
      </Page>
    </main>
  );
}

function NewProjectForm() {
  const queries = useQueryClient();
  const router = useRouter();
  const create = useMutation({
    mutationFn: (form: FormData) => createProject(fieldText(form, "name"), fieldText(form, "description")),
    onSuccess: async (project) => {
      await queries.query({ ...sessionQuery, staleTime: 0 });
      await router.invalidate();
      await router.navigate({ to: "/p/$projectId/prompts", params: { projectId: project.id } });
    },
  });
  const submit = submitting((form) => create.mutate(form));
  return (
    <form onSubmit={submit} className="grid gap-4">
      <TextField label={t.shell.projectName} name="name" required maxLength={200} autoFocus />
      <TextArea label={t.settings.description} name="description" rows={3} />
      {create.isError && <ErrorNote error={create.error} />}
      <Button type="submit" variant="primary" busy={create.isPending} className="justify-self-start">
        {t.shell.createProject}
      </Button>
    </form>
  );
}
