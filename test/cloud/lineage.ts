// Counts the invocations of one chain of requests as Lambda does, and ends the chain where Lambda ends it.

/**
 * When one chain has invoked a function about 16 times, Lambda does not invoke it again; the message goes to the dead
 * letters of its queue (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html). The SDK sends the
 * count in the trace header of its requests to SQS, SNS, S3 and Lambda. A stream of DynamoDB and a schedule begin a new
 * chain. A message that its queue hands out again has the header that it was sent with.
 */
const MOST_INVOCATIONS = 16;

/** Plan, notify, deliver; no message leads back to its sender. */
export const LONGEST_CHAIN = 3;

/** How often each function was invoked in the chain that led to a message. */
export type Lineage = ReadonlyMap<string, number>;

export interface Lineages {
  /** The lineage of the messages that are sent now. */
  current(): Lineage;
  /** Invokes a function for messages with these lineages. Returns false when Lambda would drop the call. */
  invoke(fn: string, causes: readonly Lineage[], run: () => Promise<void>): Promise<boolean>;
  /** The invocations of the longest chain so far, of all functions together. */
  longest(): number;
  /** The number of dropped invocations. */
  dropped(): number;
}

export function createLineages(): Lineages {
  let current: Lineage = new Map();
  let longest = 0;
  let dropped = 0;
  return {
    current: () => current,
    async invoke(fn, causes, run) {
      // The highest count of several messages is used, because AWS does not document which one Lambda follows.
      const mine = new Map<string, number>();
      for (const [name, count] of causes.flatMap((cause) => [...cause]))
        mine.set(name, Math.max(count, mine.get(name) ?? 0));
      if ((mine.get(fn) ?? 0) >= MOST_INVOCATIONS) {
        dropped++;
        return false;
      }
      mine.set(fn, (mine.get(fn) ?? 0) + 1);
      longest = Math.max(
        longest,
        [...mine.values()].reduce((sum, count) => sum + count, 0),
      );
      current = mine;
      try {
        await run();
      } finally {
        current = new Map();
      }
      return true;
    },
    longest: () => longest,
    dropped: () => dropped,
  };
}
