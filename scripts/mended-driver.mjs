/** Files of the driver of PostgreSQL in which something is mended. */
export const MENDED = /postgres[\\/](?:cjs[\\/])?src[\\/]connection\.js$/;

/**
 * The driver of PostgreSQL writes what it has gathered a moment later, also to a connection that is
 * gone by then, which would end the program: what was asked there fails by itself.
 */
export function mended(path, text) {
  const contents = text.replace(
    "= socket.write(chunk, fn)",
    "= !socket || socket.write(chunk, fn)",
  );
  if (contents === text) throw new Error(`${path} is not as it was: look at what is mended here`);
  return contents;
}
