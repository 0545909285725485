import { getRouteApi, useLocation } from "@tanstack/react-router";

import { SignInPage } from "@/features/welcome/SignInPage";
import { WelcomePage } from "@/features/welcome/WelcomePage";

const root = getRouteApi("__root__");

export function SignInRoute() {
  return <SignInPage session={root.useRouteContext().session} />;
}

export function WelcomeRoute() {
  const token = useLocation({ select: ({ hash }) => hash });
  return <WelcomePage session={root.useRouteContext().session} token={token} />;
}
