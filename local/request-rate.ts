/** How many requests an address may make, on average and in a row. */
export interface RateLimit {
  perSecond: number;
  burst: number;
}

/** Addresses beyond these are forgotten, the one that asked last longest ago first. */
const MOST_ADDRESSES = 4_096;

/** Whether an address may ask now; a request that may not counts for nothing. `nowMs`: a monotonic clock. */
export function createRequestRate(
  { perSecond, burst }: RateLimit,
  nowMs: () => number = () => performance.now(),
): (address: string) => boolean {
  const known = new Map<string, { left: number; atMs: number }>();
  return (address) => {
    const key = networkOf(address);
    const now = nowMs();
    const last = known.get(key) ?? { left: burst, atMs: now };
    const left = Math.min(burst, last.left + ((now - last.atMs) / 1000) * perSecond);
    known.delete(key);
    known.set(key, { left: left < 1 ? left : left - 1, atMs: now });
    const [oldest] = known.size > MOST_ADDRESSES ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    return left >= 1;
  };
}

/** Of IPv6 everybody has a whole network. */
function networkOf(address: string): string {
  return address.includes('.') ? address : address.split(':').slice(0, 4).join(':');
}
