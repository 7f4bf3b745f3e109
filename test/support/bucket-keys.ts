/** What a key in a bucket says of the file. */
export function bucketKeyOf(key: string): { job: string; name: string } {
  const [job = "", name = ""] = key.split("/").slice(-2);
  return { job, name };
}
