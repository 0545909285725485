import type { SubmitEvent } from "react";

/** A form's field as text, trimmed by nobody; empty where it is absent or a file. */
export function fieldText(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

/** Hands over what a form holds, and keeps the page where it is. */
export function submitting(act: (form: FormData, element: HTMLFormElement) => void) {
  return (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    act(new FormData(event.currentTarget), event.currentTarget);
  };
}
