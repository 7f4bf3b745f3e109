import { expect, it } from "vitest";
import { SUITES, scenariosOf } from "./suites.ts";

it.each(SUITES)("$name has no scenario about logins that asks a server", async (suite) => {
  const named = await scenariosOf(suite);
  expect(named).toContain("dns-rebinding-protection");
  const ofLogins = named.filter((one) => /auth|login|bearer|token|protected-resource/.test(one));
  expect(ofLogins, "docs/conformance.md says that there is none: run it, and say so").toEqual([]);
});
