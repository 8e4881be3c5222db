// What AWS asks for, in US dollars, us-east-1, without the free tier. They change: look at the pages.

/** Hours of a month, as the price calculator of AWS counts. */
export const HOURS = 730;

export const PRICES = {
  /** Of x86_64, which is the default; arm64 is a fifth less: https://aws.amazon.com/lambda/pricing/ */
  lambda: { gbSecond: 0.0000166667, million: 0.2 },
  /** Requests, each 64 KiB of a payload one: https://aws.amazon.com/sqs/pricing/ */
  sqs: { standardMillion: 0.4, fifoMillion: 0.5 },
  /** On demand: https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  dynamodb: { writeMillion: 0.625, readMillion: 0.125 },
  /** https://aws.amazon.com/s3/pricing/ */
  s3: { putThousand: 0.005, getThousand: 0.0004 },
  /** Samples by tiers, per ten million: https://aws.amazon.com/prometheus/pricing/ */
  prometheus: {
    ingested: [
      { upTo: 2e9, tenMillion: 0.9 },
      { upTo: 252e9, tenMillion: 0.35 },
      { upTo: Number.POSITIVE_INFINITY, tenMillion: 0.16 },
    ],
    queriedBillion: 0.1,
  },
  /** Writes of 1 KiB: https://aws.amazon.com/timestream/pricing/ */
  timestream: { writeMillion: 0.5, tcuHour: 0.518 },
  /** https://aws.amazon.com/vpc/pricing/ and, for the address, the same; out to the internet https://aws.amazon.com/ec2/pricing/on-demand/ */
  network: { natHour: 0.045, natGb: 0.045, addressHour: 0.005, outGb: 0.09 },
  /** https://aws.amazon.com/cloudwatch/pricing/ */
  cloudwatch: { logGb: 0.5, metric: 0.3, alarm: 0.1, dashboard: 3 },
} as const;

/** What so many cost where each tier has its own price. */
export function tiered(amount: number, tiers: readonly { upTo: number; tenMillion: number }[]): number {
  let [sum, from] = [0, 0];
  for (const { upTo, tenMillion } of tiers) {
    if (amount > from) sum += ((Math.min(amount, upTo) - from) / 1e7) * tenMillion;
    from = upTo;
  }
  return sum;
}
