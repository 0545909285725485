/** The shapes of the API under the product's own names. */
import type { components } from "./schema.gen";

type Schemas = components["schemas"];
export type { Problem } from "./problem";
export type Session = Schemas["SessionRead"];
export type Role = Schemas["ProjectRoleRead"]["role"];
export type Assignment = Schemas["AssignmentRead"];
export type Card = Schemas["CardRead"];
export type Claim = Schemas["ClaimRead"];
export type Waiting = Schemas["WaitingRead"];
export type Draft = Schemas["Draft"];
export type NewRanking = Schemas["NewRanking"];
export type Receipt = Schemas["RankingReceipt"];
export type WorkProgress = Schemas["ProgressRead"];
export type OwnRanking = Schemas["OwnRanking"];
export type SkipReason = NonNullable<Schemas["Skip"]["reason"]>;
export type WritingAssignment = Schemas["WritingAssignment"];
export type WritingClaim = Schemas["WritingClaimRead"];
export type WritingWaiting = Schemas["WritingWaiting"];
export type NewDemonstration = Schemas["NewDemonstration"];
export type WritingReceipt = Schemas["DemonstrationReceipt"];
export type ReportReason = Schemas["NewReport"]["reason"];
export type Project = Schemas["ProjectRead"];
export type ProjectSettings = Schemas["ProjectSettings"];
export type PromptSet = Schemas["PromptSetRead"];
export type Prompt = Schemas["PromptRead"];
export type Completion = Schemas["CompletionRead"];
export type Member = Schemas["MemberRead"];
export type Standing = Schemas["StandingRead"];
export type Invitation = Schemas["InvitationRead"];
export type IssuedInvitation = Schemas["InvitationIssued"];
export type InvitationPeek = Schemas["InvitationPeek"];
export type Token = Schemas["TokenRead"];
export type IssuedToken = Schemas["TokenIssued"];
export type Scope = Schemas["NewToken"]["scopes"][number];
export type AuditEvent = Schemas["AuditEventRead"];
export type Turn = Schemas["Turn"];
export type Guidelines = Schemas["GuidelinesRead"];
export type GuidelineVersion = Schemas["VersionRead"];
export type GuidelineSummary = Schemas["VersionSummary"];
export type Report = Schemas["ReportRead"];
export type ReportOutcome = NonNullable<Report["outcome"]>;
export type KnownAnswer = Schemas["KnownAnswerRead"];
export type KnownPurpose = KnownAnswer["purpose"];
export type NewKnownAnswer = Schemas["NewKnownAnswer"];
export type Task = Schemas["TaskRead"];
export type TaskChange = Schemas["TaskChange"];

export type Run = Schemas["RunRead"];
export type RunState = Run["state"];
export type RunProgress = Schemas["Progress"];
export type RunKind = Schemas["KindRead"];
export type Cycle = Schemas["CycleRead"];
export type Loop = Schemas["LoopRead"];
export type Decision = Schemas["DecisionRead"];
export type ModelVersion = Schemas["ModelVersionRead"];
export type ModelLineage = Schemas["ModelVersionLineage"];
export type Summary = Schemas["ComparisonSummary"];
export type Snapshot = Schemas["SnapshotRead"];

export interface PageOf<T> {
  items: T[];
  next_cursor?: string | null;
}
