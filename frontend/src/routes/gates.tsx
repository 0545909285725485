import { getRouteApi, useLocation } from "@tanstack/react-router";

import { SignInPage } from "@/features/welcome/SignInPage";
import { WelcomePage } from "@/features/welcome/WelcomePage";

const root = getRouteApi("__root__");
const signIn = getRouteApi("/sign-in");

export function SignInRoute() {
  return <SignInPage session={root.useRouteContext().session} back={signIn.useSearch().back} />;
}

export function WelcomeRoute() {
  const token = useLocation({ select: ({ hash }) => hash });
  return <WelcomePage session={root.useRouteContext().session} token={token} />;
}
