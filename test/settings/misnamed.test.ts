// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { describe, expect, it } from "vitest";
import { check } from "../support/settings.ts";

describe("a variable that is no setting", () => {
  it.each([
    ["LONGCAT_MCP_BUGDET_USD_PER_DAY", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_MCP_BUDGET_PER_DAY_USD", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_MCP_BUDGET", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_MCP_OUTPUTDIR", "LONGCAT_MCP_OUTPUT_DIR"],
    ["LONGCAT_MCP_PREVIEW", "LONGCAT_MCP_PREVIEWS"],
    ["longcat_mcp_budget_usd_per_day", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["Longcat_Mcp_Sandbox", "LONGCAT_MCP_SANDBOX"],
    ["LONGCAT-MCP-SANDBOX", "LONGCAT_MCP_SANDBOX"],
    ["LONGCATMCP_DATA_DIR", "LONGCAT_MCP_DATA_DIR"],
    ["LONGCAT_MPC_BUDGET_USD_PER_DAY", "LONGCAT_MCP_BUDGET_USD_PER_DAY"],
    ["LONGCAT_BUDGET_USD_PER_MONTH", "LONGCAT_MCP_BUDGET_USD_PER_MONTH"],
    ["PIXAZO_CONFIRM_ABOVE_USD", "LONGCAT_MCP_CONFIRM_ABOVE_USD"],
    ["MCP_LONGCAT_SANDBOX", "LONGCAT_MCP_SANDBOX"],
  ])("%s is wrong, and %s was meant", (name, meant) => {
    expect(check({ [name]: "1" }).problems).toEqual([
      expect.stringMatching(new RegExp(`^${name} is not .*\\b${meant}\\b`)),
    ]);
  });

  it("is wrong without a guess where nothing is like it", () => {
    expect(check({ LONGCAT_MCP_XYZZY: "1" }).problems).toEqual([
      "LONGCAT_MCP_XYZZY is not a setting; `longcat-mcp --help` lists the settings.",
    ]);
  });

  it.each([
    ["LONGCAT_MCP_XYZZY", ""],
    ["LONGCAT_MCP_XYZZY", "${user_config.xyzzy}"],
    ["LONGCAT_HOME", "/x"],
    ["LONGCAT_PORT", "1"],
    ["PIXAZO_REGION", "eu"],
    ["SANDBOX", "1"],
    ["BUDGET_USD_PER_DAY", "1"],
  ])("%s=%s is nobody's business", (name, value) => {
    expect(check({ [name]: value })).toMatchObject({ problems: [], notes: [] });
  });

  it("has any case on Windows", () => {
    expect(check({ longcat_mcp_sandbox: "1" }, "win32").problems).toEqual([]);
  });

  it.each([
    ["PIXAZO_APIKEY", "apiKey", "PIXAZO_API_KEY"],
    ["PIXAZO_KEY", "apiKey", "PIXAZO_API_KEY"],
    ["PIXAZO_API_TOKEN", "apiKey", "PIXAZO_API_KEY"],
    ["pixazo_api_key", "apiKey", "PIXAZO_API_KEY"],
    ["PIXASO_API_KEY", "apiKey", "PIXAZO_API_KEY"],
    ["LONGCAT_APIKEY", "chatApiKey", "LONGCAT_API_KEY"],
    ["LONGCAT_CHAT_API_KEY", "chatApiKey", "LONGCAT_API_KEY"],
  ] as const)("%s may have been meant as a key that is not set", (name, setting, meant) => {
    const { problems, settings } = check({ [name]: "key-0123456789" });
    expect(problems).toEqual([]);
    expect(settings.strayKeys[setting]).toBe(
      `${name} is set, but is not read: it must be ${meant}.`,
    );
    const other = setting === "apiKey" ? "chatApiKey" : "apiKey";
    expect(settings.strayKeys[other]).toBeUndefined();
    const both = check({ [name]: "key-0123456789", [meant]: "key-9876543210" });
    expect(both.settings.strayKeys[setting]).toBeUndefined();
  });
});
