/**
 * The header by which a browser keeps a file under a name instead of showing it.
 * @see RFC 6266
 */
export function asAttachment(name: string): string {
  const plain = name.replaceAll(/[^\w.() -]/g, "_");
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
