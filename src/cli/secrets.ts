import { bucketSecrets } from "../settings/bucket-settings.ts";
import { proxySecrets } from "../settings/proxies.ts";
import type { Settings } from "../settings/settings.ts";
import { addressSecrets } from "../storage/postgres/database-address.ts";

/** All that the settings have and nobody may read: to be taken out of whatever is written. */
export function secretsOf(settings: Settings): (string | undefined)[] {
  return [
    settings.apiKey,
    settings.chatApiKey,
    ...addressSecrets(settings.database?.url),
    ...bucketSecrets(settings),
    ...proxySecrets(settings.proxies),
  ];
}
