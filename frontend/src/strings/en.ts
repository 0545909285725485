/** Every word of the page, by the feature that says it. Another language is another object of this shape. */
import { common } from "./en/common";
import { desk } from "./en/desk";
import { loop } from "./en/loop";
import { project } from "./en/project";
import { runs } from "./en/runs";
import { shell } from "./en/shell";
import { welcome } from "./en/welcome";

export const t = { common, shell, welcome, desk, loop, runs, project };
