import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

import { cx } from "./cx";

const CONTROL =
  "w-full min-w-0 rounded-lg border border-edge/70 bg-panel px-3 text-base text-ink placeholder:text-soft hover:border-edge aria-invalid:border-bad";

interface Labelled {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  className?: string | undefined;
}

interface FrameProps extends Labelled {
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
}

/** A label, its control, and what helps or is wrong, tied together for screen readers. */
export function Field({ label, hint, error, className, children }: FrameProps) {
  const id = useId();
  const note = `${id}-note`;
  const described = hint !== undefined || error !== undefined ? { "aria-describedby": note } : {};
  const invalid = error !== undefined ? { "aria-invalid": true as const } : {};
  return (
    <div className={cx("grid content-start gap-1.5", className)}>
      <label htmlFor={id} className="text-sm font-semibold">
        {label}
      </label>
      {children({ id, ...described, ...invalid })}
      {(hint !== undefined || error !== undefined) && (
        <p id={note} className={cx("text-sm", error === undefined ? "text-soft" : "text-bad")}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  hint,
  error,
  className,
  ...rest
}: Labelled & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Field {...{ label, hint, error, className }}>
      {(ids) => <input {...rest} {...ids} className={cx(CONTROL, "h-10 pointer-coarse:h-11")} />}
    </Field>
  );
}

export function TextArea({
  label,
  hint,
  error,
  className,
  ...rest
}: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Field {...{ label, hint, error, className }}>
      {(ids) => <textarea rows={4} {...rest} {...ids} className={cx(CONTROL, "py-2 leading-6")} />}
    </Field>
  );
}

interface SelectProps extends Labelled, SelectHTMLAttributes<HTMLSelectElement> {
  options: readonly (readonly [value: string, text: string])[];
}

export function Select({ label, hint, error, className, options, ...rest }: SelectProps) {
  return (
    <Field {...{ label, hint, error, className }}>
      {(ids) => (
        <select {...rest} {...ids} className={cx(CONTROL, "h-10 pointer-coarse:h-11")}>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "type"> {
  label: ReactNode;
  hint?: ReactNode;
}

/** A choice that is on or off. */
export function Check({ label, hint, className, ...rest }: CheckProps) {
  return (
    <label className={cx("flex items-start gap-3 py-1", className)}>
      <input type="checkbox" {...rest} className="accent-accent mt-1 size-4 shrink-0" />
      <span className="grid">
        <span className="text-base">{label}</span>
        {hint !== undefined && <span className="text-soft text-sm">{hint}</span>}
      </span>
    </label>
  );
}

interface SwitchProps {
  label: string;
  checked: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
}

/** A choice that acts at once. */
export function Switch({ label, checked, onChange, disabled = false }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      aria-checked={checked}
      disabled={disabled}
      onClick={() => onChange(!checked)}
      className="inline-flex min-h-8 items-center gap-2.5 text-sm font-medium pointer-coarse:min-h-11"
    >
      <span
        aria-hidden="true"
        className={cx(
          "inline-flex h-5 w-9 items-center rounded-full border p-0.5 transition-colors",
          checked ? "border-accent bg-accent" : "border-edge bg-panel",
        )}
      >
        <span
          className={cx(
            "size-3.5 rounded-full transition-transform",
            checked ? "bg-accent-ink translate-x-4 rtl:-translate-x-4" : "bg-edge translate-x-0",
          )}
        />
      </span>
      {label}
    </button>
  );
}
