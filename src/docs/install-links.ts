import { SERVICE_KEYS } from "../core/service-keys.ts";

const NAME = "longcat";
const LAUNCH = { command: "npx", args: ["-y", "longcat-mcp"] } as const;
const keys = Object.values(SERVICE_KEYS);

/** Links that add the npm package to the hosts that follow such links; both ask for the keys. */
export function installLinks(): string {
  return [
    `[Add to Cursor](https://cursor.com/en/install-mcp?${cursorQuery()})`,
    `[Add to VS Code](https://insiders.vscode.dev/redirect/mcp/install?${vscodeQuery()})`,
  ].join(" · ");
}

/** Cursor shows the entry before it is added, with a place for each value. */
function cursorQuery(): string {
  const env = Object.fromEntries(keys.map(({ env: name }) => [name, ""]));
  const config = Buffer.from(JSON.stringify({ ...LAUNCH, env })).toString("base64");
  return `name=${NAME}&config=${encodeURIComponent(config)}`;
}

/** VS Code asks for its inputs at the first start and keeps them itself. */
function vscodeQuery(): string {
  const idOf = (name: string) => name.toLowerCase().replace(/_api_key$/, "");
  const inputs = keys.map(({ env: name, name: service }) => ({
    type: "promptString",
    id: idOf(name),
    description: `Key of ${service}`,
    password: true,
  }));
  const env = Object.fromEntries(
    keys.map(({ env: name }) => [name, ["$", `{input:${idOf(name)}}`].join("")]),
  );
  const parts = {
    name: NAME,
    inputs: JSON.stringify(inputs),
    config: JSON.stringify({ type: "stdio", ...LAUNCH, env }),
  };
  return Object.entries(parts)
    .map(
      ([part, value]) =>
        `${part}=${encodeURIComponent(value).replaceAll(/[()]/g, (one) => (one === "(" ? "%28" : "%29"))}`,
    )
    .join("&");
}
