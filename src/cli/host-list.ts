import { toAppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { isOurs, wordsOf } from "../hosts/host-entry.ts";
import { HostText } from "../hosts/host-text.ts";
import { HOSTS, type HostPlace } from "../hosts/hosts.ts";
import { HOST_NAMES, type HostName } from "../settings/commands.ts";
import { readHostFile, textOf } from "./host-file.ts";

/** Which hosts have this server, and what is wrong with their files, in words. */
export async function findHosts(
  place: HostPlace,
): Promise<{ found: HostName[]; problems: string[] }> {
  const found: HostName[] = [];
  const problems: string[] = [];
  for (const name of HOST_NAMES) {
    const path = HOSTS[name].file(place);
    try {
      const { bytes } = await readHostFile(path);
      if (bytes === undefined) continue;
      const { entry } = new HostText(HOSTS[name], path, textOf(bytes, path));
      if (!isOurs(entry)) continue;
      found.push(name);
      const gone = wordsOf(entry).find((word) => isScript(word) && !place.isThere(word));
      if (gone === undefined) continue;
      problems.push(
        `${name} starts ${oneLine(gone, 200)}, which is not there: \`longcat-mcp install ${name}\` renews it`,
      );
    } catch (error) {
      problems.push(toAppError(error).message);
    }
  }
  return { found, problems };
}

/** What an entry names in full. */
function isScript(word: string): boolean {
  return /^(?:\/|[A-Za-z]:[/\\])/.test(word);
}
