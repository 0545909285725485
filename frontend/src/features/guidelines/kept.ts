/** Guidelines that are being written, kept in this browser until they are saved. */
import type { Guidelines } from "@/api/types";

export interface Kept {
  text: string;
  /** The version it was written from. */
  basis: Pick<Guidelines, "number" | "text">;
}

function slot(projectId: number): string {
  return `plackett.guidelines.${projectId}`;
}

export function keep(projectId: number, kept: Kept): void {
  try {
    localStorage.setItem(slot(projectId), JSON.stringify(kept));
  } catch (full) {
    console.warn("The unsaved guidelines last for this visit only.", full);
  }
}

export function forget(projectId: number): void {
  localStorage.removeItem(slot(projectId));
}

/** What was left unsaved, if it says anything else than what it was written from. */
export function findKept(projectId: number): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(slot(projectId)) ?? "null") as Kept | null;
    return kept !== null && kept.text !== kept.basis.text ? kept : null;
  } catch (unreadable) {
    console.warn("Guidelines that were kept here cannot be read.", unreadable);
    return null;
  }
}
