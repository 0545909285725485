import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { revokeToken, tokensQuery } from "@/api/people";
import type { Token } from "@/api/types";
import { Button, buttonClass } from "@/components/Button";
import { EmptyState, ErrorNote, Skeleton } from "@/components/Notice";
import { Page, Panel } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { Cell, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { useNow } from "@/components/useNow";
import { t } from "@/strings";

import { TokenDialog } from "./TokenDialog";

export function TokensPage({ projectId }: { projectId: number }) {
  const tokens = useQuery(tokensQuery);
  const [makes, setMakes] = useState(false);
  const rows = tokens.data?.items ?? [];
  return (
    <Page
      title={t.shell.tokens}
      lead={t.project.tokensLead}
      actions={
        <>
          <a href="/api/docs" className={buttonClass()}>
            {t.shell.apiDocs}
          </a>
          <Button variant="primary" onClick={() => setMakes(true)}>
            {t.project.tokenNew}
          </Button>
        </>
      }
    >
      {tokens.isError && <ErrorNote error={tokens.error} onRetry={tokens.refetch} />}
      <Panel flush>
        {tokens.isPending && <Skeleton />}
        {tokens.isSuccess && rows.length === 0 && (
          <EmptyState title={t.project.tokensEmpty}>{t.project.tokensEmptyText}</EmptyState>
        )}
        {rows.length > 0 && (
          <Table caption={t.shell.tokens} head={t.project.tokenColumns}>
            {rows.map((token) => (
              <Row key={token.id} token={token} />
            ))}
          </Table>
        )}
      </Panel>
      {makes && <TokenDialog projectId={projectId} onClose={() => setMakes(false)} />}
    </Page>
  );
}

function Row({ token }: { token: Token }) {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeToken(token.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const isExpired = Date.parse(token.expires_at) < useNow();
  return (
    <tr>
      <Cell head>{token.name}</Cell>
      <Cell>
        <code className="font-mono text-sm">{`plk_${token.lookup}…`}</code>
      </Cell>
      <Cell>
        <span className="flex flex-wrap gap-1">
          {token.scopes.map((scope) => (
            <Pill key={scope}>{scope}</Pill>
          ))}
        </span>
      </Cell>
      <Cell className="whitespace-nowrap">
        {token.last_used_at === null ? t.project.tokenNever : <Time iso={token.last_used_at} />}
      </Cell>
      <Cell className="whitespace-nowrap">
        <Time iso={token.expires_at} />
      </Cell>
      <Cell>
        {token.revoked_at !== null || isExpired ? (
          <Pill>{isExpired ? t.project.tokenExpired : t.project.tokenRevoked}</Pill>
        ) : (
          <Button
            size="small"
            variant="danger"
            busy={revoke.isPending}
            aria-label={t.project.tokenRevokeThis(token.name)}
            onClick={() => revoke.mutate()}
          >
            {t.project.revoke}
          </Button>
        )}
      </Cell>
    </tr>
  );
}
