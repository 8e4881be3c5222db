import { describe, expect, it } from 'vitest';
import { resources, synthExample } from '../test/stacks/synth.ts';
import { concurrencyFindings } from './concurrency.ts';
import { readSettings } from './settings.ts';

const bastions = (count: number) => Array.from({ length: count }, () => ({ maxConnections: 8 })) as never;

function accountLookup(
  limits: [all: number, unreserved: number],
  { bastionCount = 1, context = {} as Record<string, string> } = {},
) {
  const [all, unreserved] = limits;
  const settings = readSettings((name) => context[name]);
  return concurrencyFindings(
    { all, unreserved },
    { config: { bastions: bastions(bastionCount) }, settings, region: 'eu-west-1' },
  );
}

describe('the concurrency of functions', () => {
  it('of an older account is sufficient, also with a reserved part for the public address', () => {
    expect(accountLookup([1000, 1000])).toEqual({ problems: [], warnings: [] });
    expect(accountLookup([1000, 1000], { context: { publicConcurrency: '10' } })).toEqual({
      problems: [],
      warnings: [],
    });
  });

  it('of a new account is ten, and causes a warning that names the request to make', () => {
    const { problems, warnings } = accountLookup([10, 10]);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      'functions at once: the account has 10 of 10 left for all its functions in eu-west-1, and this deployment may use 163 (8 to probe, 100 to deliver); at a peak batches may expire and messages wait: ask for more: `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000`',
    ]);
  });

  it('that is lower than one round needs is a problem', () => {
    expect(accountLookup([10, 10], { bastionCount: 4 }).problems).toEqual([]);
    const { problems, warnings } = accountLookup([10, 10], { bastionCount: 5 });
    expect([problems.length, warnings]).toEqual([1, []]);
    expect(problems[0]).toMatch(/a round needs 11, one for each bastion and 6 others; ask for more: `aws /);
    // Other functions have reserved the rest.
    expect(accountLookup([1000, 6]).problems).toHaveLength(1);
  });

  it('that many bastions need is more than a new account has', () => {
    const { warnings } = accountLookup([1000, 1000], { bastionCount: 120, context: { shards: '16' } });
    expect(warnings[0]).toMatch(/may use 1147 \(960 to probe, .*--desired-value 1147`$/);
  });

  it.each<[all: number, unreserved: number, problems: RegExp[], warnings: RegExp[]]>([
    [10, 10, [/publicConcurrency=10: the account has 10 of 10 left .* leave it out, or ask for more/], []],
    [109, 109, [/AWS keeps 100/], []],
    [400, 105, [/105 of 400 left/], []],
    [110, 110, [], [/this deployment may use/]],
  ])('reserved for the public address, %i of %i', (all, unreserved, problems, warnings) => {
    const found = accountLookup([all, unreserved], { context: { publicConcurrency: '10' } });
    expect(found.problems).toEqual(problems.map((one) => expect.stringMatching(one)));
    expect(found.warnings).toEqual(warnings.map((one) => expect.stringMatching(one)));
  });

  it.each(['0', '-1', '2.5', 'many'])('-c publicConcurrency=%s is refused', (value) => {
    expect(() => readSettings((name) => (name === 'publicConcurrency' ? value : undefined))).toThrow(
      `-c publicConcurrency=${value}: write a whole number from 1`,
    );
  });

  it('is reserved for the public function on request, and for no other function', () => {
    const shares = (context: Record<string, string>) =>
      resources(synthExample({ context }), 'AWS::Lambda::Function').flatMap(({ id, Properties }) =>
        Properties.ReservedConcurrentExecutions === undefined
          ? []
          : [`${id.replace(/[0-9A-F]{8}$/, '')} ${Properties.ReservedConcurrentExecutions}`],
      );
    expect(shares({})).toEqual([]);
    expect(shares({ publicConcurrency: '10' })).toEqual(['HistoryFunction 10']);
  });

  it('is counted for each stage', () => {
    const of = (context: Record<string, string>) =>
      resources(synthExample({ context }), 'AWS::Lambda::EventSourceMapping')
        .map(({ Properties }) => Properties.ScalingConfig?.MaximumConcurrency as number | undefined)
        .filter((most) => most !== undefined)
        .sort((a, b) => a - b);
    expect(of({})).toEqual([2, 2, 8, 50, 100]);
    expect(of({ shards: '4' })).toEqual([2, 8, 10, 50, 100]);
  });
});
