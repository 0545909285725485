/** Every word of the page in English, by the feature that says it: the shape of every other language. */
import { blind } from "./en/blind";
import { common } from "./en/common";
import { desk } from "./en/desk";
import { drift } from "./en/drift";
import { guidelines } from "./en/guidelines";
import { loop } from "./en/loop";
import { order } from "./en/order";
import { project } from "./en/project";
import { reading } from "./en/reading";
import { quality } from "./en/quality";
import { report } from "./en/report";
import { runs } from "./en/runs";
import { settings } from "./en/settings";
import { shell } from "./en/shell";
import { slugs } from "./en/slugs";
import { tasks } from "./en/tasks";
import { webhooks } from "./en/webhooks";
import { welcome } from "./en/welcome";

export const en = {
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
export type Strings = typeof en;
