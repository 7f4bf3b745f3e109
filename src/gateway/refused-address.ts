/** Thrown into a connection attempt whose address no media may come from. */
export class RefusedAddress extends Error {
  override readonly name = "RefusedAddress";
}
