import { checkSettings } from "../../src/settings/settings.ts";

export function check(env: Record<string, string>, platform: NodeJS.Platform = "linux") {
  return checkSettings({
    env: { HOME: "/home/a", ...env },
    flags: {},
    platform,
    workingDir: "/anywhere",
    readFile: (path) => {
      if (path === "/home/a/key") return "'Bearer key-0123456789'\n";
      if (path === "/home/a/empty") return "\n";
      throw new Error("there is no such file");
    },
    isFolder: (path) => path.startsWith("/there"),
  });
}
