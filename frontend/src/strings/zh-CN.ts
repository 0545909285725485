/** 简体中文。 */
import type { Strings } from "./en";

import { common } from "./zh-CN/common";
import { desk } from "./zh-CN/desk";
import { loop } from "./zh-CN/loop";
import { project } from "./zh-CN/project";
import { runs } from "./zh-CN/runs";
import { shell } from "./zh-CN/shell";
import { welcome } from "./zh-CN/welcome";

export const zhCN: Strings = { common, shell, welcome, desk, loop, runs, project };
