/** What some markup takes for the end of an address. No address holds it unencoded (RFC 3986, 2). */
const FOREIGN = /[\s<>"`|\\^{}]/gu;

/** An http address that no markup takes apart, percent-encoded where it holds what no address may hold. */
export function markupSafeAddress(address: string): string {
  return address.toWellFormed().replace(FOREIGN, encodeURIComponent);
}
