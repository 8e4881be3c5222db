// How Lambda counts the invocations of one chain of requests, and where it ends the chain.

/**
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: a function that was invoked about so many times
 * in one chain is not invoked again; the message goes to the dead letters of its queue. The count travels in the trace
 * header of what the SDK sends to SQS, SNS, S3 and Lambda. A stream of DynamoDB and a schedule begin a new chain, and a
 * message that comes again from its queue has the header that it was sent with.
 */
const MOST_INVOCATIONS = 16;

/** Plan, notify, deliver: no message leads back to its sender. */
export const LONGEST_CHAIN = 3;

/** Invocations of each function that led to a message. */
export type Lineage = ReadonlyMap<string, number>;

export interface Lineages {
  /** Belongs to the messages that are sent now. */
  current(): Lineage;
  /** Invokes a function because of messages with these lineages. False where Lambda drops that instead. */
  invoke(fn: string, causes: readonly Lineage[], run: () => Promise<void>): Promise<boolean>;
  /** Invocations of the longest chain so far, of all functions together. */
  longest(): number;
  /** Invocations that were dropped. */
  dropped(): number;
}

export function createLineages(): Lineages {
  let current: Lineage = new Map();
  let longest = 0;
  let dropped = 0;
  return {
    current: () => current,
    async invoke(fn, causes, run) {
      // The worst of several messages counts: AWS does not say which of them it follows.
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
