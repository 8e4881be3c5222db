// What AWS asks for, in US dollars, us-east-1, on Linux and arm64, without the free tier. They change: look at the pages.

/** Hours of a month, as the price calculator of AWS counts. */
export const HOURS = 730;

export const PRICES = {
  /** https://aws.amazon.com/lambda/pricing/ */
  lambda: { gbSecond: 0.0000133334, million: 0.2 },
  /** Requests, each 64 KiB of a payload one: https://aws.amazon.com/sqs/pricing/ */
  sqs: { standardMillion: 0.4, fifoMillion: 0.5 },
  /** On demand: https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  dynamodb: { writeMillion: 0.625, readMillion: 0.125, gbMonth: 0.25 },
  /** https://aws.amazon.com/s3/pricing/ */
  s3: { putThousand: 0.005, getThousand: 0.0004, gbMonth: 0.023 },
  /** Samples by tiers, per ten million: https://aws.amazon.com/prometheus/pricing/ */
  prometheus: {
    ingested: [
      { upTo: 2e9, tenMillion: 0.9 },
      { upTo: 252e9, tenMillion: 0.35 },
      { upTo: Number.POSITIVE_INFINITY, tenMillion: 0.16 },
    ],
    queriedBillion: 0.1,
    gbMonth: 0.03,
  },
  /** Writes of 1 KiB: https://aws.amazon.com/timestream/pricing/ */
  timestream: { writeMillion: 0.5, tcuHour: 0.518, memoryGbHour: 0.036, magneticGbMonth: 0.03 },
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
