import { getRouteApi } from "@tanstack/react-router";

import { AccountPage } from "@/features/account/AccountPage";
import { NewProjectPage } from "@/features/account/NewProjectPage";

const signedIn = getRouteApi("/signed-in");

export function AccountRoute() {
  return <AccountPage user={signedIn.useRouteContext().user} />;
}

export function NewProjectRoute() {
  return <NewProjectPage isOperator={signedIn.useRouteContext().user.is_operator} />;
}
