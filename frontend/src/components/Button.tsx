import type { ButtonHTMLAttributes, ReactNode } from "react";

import { cx } from "./cx";
import { Icon, type IconName } from "./Icon";

type Variant = "primary" | "plain" | "quiet" | "danger";

const BASE =
  "inline-flex items-center justify-center gap-2 rounded-lg font-semibold whitespace-nowrap transition-colors disabled:opacity-55";
const VARIANTS: Record<Variant, string> = {
  primary: "bg-accent text-accent-ink enabled:hover:bg-accent-hover",
  plain: "border border-edge/60 bg-panel text-ink enabled:hover:bg-sunken enabled:hover:border-edge",
  quiet: "text-soft enabled:hover:bg-ink/6 enabled:hover:text-ink",
  danger: "border border-bad/50 bg-panel text-bad enabled:hover:bg-bad-soft",
};
const SIZES = { small: "h-8 px-3 text-sm pointer-coarse:h-11", medium: "h-10 px-4 text-base pointer-coarse:h-11" };

/** The look of a button, for links that act like one. */
export function buttonClass(variant: Variant = "plain", size: keyof typeof SIZES = "medium"): string {
  return cx(BASE, VARIANTS[variant].replaceAll("enabled:", ""), SIZES[size]);
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: Variant;
  size?: keyof typeof SIZES;
  busy?: boolean;
}

export function Button({
  variant = "plain",
  size = "medium",
  busy = false,
  className,
  children,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      disabled={rest.disabled === true || busy}
      className={cx(BASE, VARIANTS[variant], SIZES[size], className)}
    >
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, "children"> {
  icon: IconName;
  label: string;
  children?: ReactNode;
}

/** A square button whose name is read out and shown as its tooltip. */
export function IconButton({ icon, label, className, variant = "quiet", ...rest }: IconButtonProps) {
  return (
    <Button
      {...rest}
      variant={variant}
      aria-label={label}
      title={label}
      className={cx("w-10 px-0! pointer-coarse:w-11", className)}
    >
      <Icon name={icon} className="size-5" />
    </Button>
  );
}
