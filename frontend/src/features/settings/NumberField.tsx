import type { InputHTMLAttributes } from "react";

import { TextField } from "@/components/Field";

interface NumberFieldProps extends Omit<
  InputHTMLAttributes<HTMLInputElement>,
  "type" | "value" | "defaultValue" | "className"
> {
  label: string;
  hint?: string;
  name: string;
  value: number | null | undefined;
}

/** A figure of the settings, starting from what is stored; whole steps unless `step` says otherwise. */
export function NumberField({ value, ...rest }: NumberFieldProps) {
  return <TextField {...rest} type="number" inputMode="decimal" defaultValue={value ?? ""} />;
}
