/** 简体中文。 */
import type { Strings } from "./en";

import { blind } from "./zh-CN/blind";
import { common } from "./zh-CN/common";
import { desk } from "./zh-CN/desk";
import { drift } from "./zh-CN/drift";
import { guidelines } from "./zh-CN/guidelines";
import { loop } from "./zh-CN/loop";
import { order } from "./zh-CN/order";
import { project } from "./zh-CN/project";
import { reading } from "./zh-CN/reading";
import { quality } from "./zh-CN/quality";
import { report } from "./zh-CN/report";
import { runs } from "./zh-CN/runs";
import { settings } from "./zh-CN/settings";
import { shell } from "./zh-CN/shell";
import { slugs } from "./zh-CN/slugs";
import { tasks } from "./zh-CN/tasks";
import { webhooks } from "./zh-CN/webhooks";
import { welcome } from "./zh-CN/welcome";

export const zhCN: Strings = {
  common,
  shell,
  welcome,
  desk,
  loop,
  blind,
  drift,
  reading,
  report,
  runs,
  order,
  project,
  settings,
  slugs,
  guidelines,
  quality,
  tasks,
  webhooks,
};
