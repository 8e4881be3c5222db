// The prices of AWS in US dollars, us-east-1, without the free tier. They change: check the pages.

/** The hours of a month in the price calculator of AWS. */
export const HOURS = 730;

export const PRICES = {
  /** The price of x86_64, which is the default; arm64 costs a fifth less: https://aws.amazon.com/lambda/pricing/ */
  lambda: { gbSecond: 0.0000166667, million: 0.2 },
  /** Each 64 KiB of a payload is one request: https://aws.amazon.com/sqs/pricing/ */
  sqs: { standardMillion: 0.4, fifoMillion: 0.5 },
  /** On-demand capacity: https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  dynamodb: { writeMillion: 0.625, readMillion: 0.125 },
  /** Storage class Standard: https://aws.amazon.com/s3/pricing/ */
  s3: { putThousand: 0.005, getThousand: 0.0004, gbMonth: 0.023 },
  /** https://aws.amazon.com/prometheus/pricing/ */
  prometheus: {
    ingestedTenMillion: [
      { upTo: 2e9, price: 0.9 },
      { upTo: 252e9, price: 0.35 },
      { upTo: Number.POSITIVE_INFINITY, price: 0.16 },
    ],
    queriedBillion: 0.1,
  },
  /** One write is 1 KiB: https://aws.amazon.com/timestream/pricing/ */
  timestream: { writeMillion: 0.5, tcuHour: 0.518 },
  network: {
    /** Each byte through it, in either direction: https://aws.amazon.com/vpc/pricing/ */
    natHour: 0.045,
    natGb: 0.045,
    /** A public IPv4 address, on the same page. */
    addressHour: 0.005,
    /** Traffic to the internet: https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer */
    outGb: [
      { upTo: 10_240, price: 0.09 },
      { upTo: 51_200, price: 0.085 },
      { upTo: 153_600, price: 0.07 },
      { upTo: Number.POSITIVE_INFINITY, price: 0.05 },
    ],
    /** Traffic between zones of a region, on the same page; AWS bills both sides. */
    zoneGb: 0.01,
  },
  /** Linux, on demand: https://aws.amazon.com/ec2/pricing/on-demand/ */
  instanceHour: {
    't4g.nano': 0.0042,
    't4g.micro': 0.0084,
    't4g.small': 0.0168,
    't4g.medium': 0.0336,
    'm7g.large': 0.0816,
  },
  /** Disks of type gp3: https://aws.amazon.com/ebs/pricing/ */
  diskGbMonth: 0.08,
  /** https://aws.amazon.com/cloudwatch/pricing/ */
  cloudwatch: { logGb: 0.5, metric: 0.3, alarm: 0.1, dashboard: 3 },
} as const;

/** The cost of so many units when each tier has its own price. */
export function tiered(amount: number, tiers: readonly { upTo: number; price: number }[]): number {
  let [sum, from] = [0, 0];
  for (const { upTo, price } of tiers) {
    if (amount > from) sum += (Math.min(amount, upTo) - from) * price;
    from = upTo;
  }
  return sum;
}
