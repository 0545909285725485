/** Every word of the page in English, by the feature that says it: the shape of every other language. */
import { common } from "./en/common";
import { desk } from "./en/desk";
import { loop } from "./en/loop";
import { project } from "./en/project";
import { runs } from "./en/runs";
import { shell } from "./en/shell";
import { welcome } from "./en/welcome";

export const en = { common, shell, welcome, desk, loop, runs, project };
export type Strings = typeof en;
