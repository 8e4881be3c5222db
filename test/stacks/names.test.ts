// Two deployments in one account and region do not use the same name for anything.
import { describe, expect, it } from 'vitest';
import { valueText } from './policy-text.ts';
import { defineExample, type Resource, resources, type Templates, templatesOf } from './synth.ts';

function deployed(name?: string) {
  const { app, stacks } = defineExample(name === undefined ? {} : { context: { name } });
  const names = app.node.children.flatMap((child) => ('stackName' in child ? [String(child.stackName)] : []));
  return { names, templates: templatesOf(stacks) };
}

/**
 * Names that an account can have only once: the ones we give, and exports of its region. CloudFormation makes up all
 * other names from the stack.
 */
function namesIn(templates: Templates): string[] {
  const all = Object.values(templates).map((template) => template.toJSON());
  const given = all.flatMap(({ Resources }) =>
    Object.values(Resources as Record<string, Resource>).flatMap(({ Type, Properties = {} }) =>
      Object.entries(Properties).flatMap(([field, value]) =>
        // This kind of policy belongs to its role.
        Type !== 'AWS::IAM::Policy' && /^Name$|Name$/.test(field) && typeof value === 'string' ? [value] : [],
      ),
    ),
  );
  const exported = all.flatMap(({ Outputs = {} }) =>
    Object.values(Outputs as Record<string, { Export?: { Name: string } }>).flatMap(
      ({ Export }) => Export?.Name ?? [],
    ),
  );
  return [...given, ...exported];
}

/** Names that many deployments use and none of them owns. */
const SHARED =
  /^(Errors|Throttles|Approximate\w+|AWS\/\w+|[a-z_]+(_total|_seconds|_overdue|_unseen|_absent)|expiresAt|history)$/;
/** Titles that people see; two deployments may have the same ones. */
const TITLES = /^Bartizan alarms/;

describe('the name of a deployment', () => {
  const [plain, seoul, tokyo] = [deployed(), deployed('seoul'), deployed('tokyo-2')];

  it('is in the names of its stacks; without a name they are called as before', () => {
    expect(plain.names).toEqual(['BartizanNetwork', 'BartizanData', 'BartizanHistory', 'BartizanPipeline']);
    expect(deployed('bartizan').names).toEqual(plain.names);
    expect(seoul.names).toEqual(plain.names.map((name) => name.replace('Bartizan', 'Bartizan-seoul-')));
  });

  it('is in the path of the parameter that has the name of its table', () => {
    for (const [{ templates }, Name] of [
      [plain, '/bartizan/deployment/table'],
      [seoul, '/bartizan/deployments/seoul/table'],
    ] as const) {
      const [table] = resources(templates, 'AWS::SSM::Parameter').filter(
        ({ Properties }) => Properties.Name === Name,
      );
      expect(valueText(table?.Properties.Value)).toBe('<State>');
    }
  });

  it('is in every name that an account can have only once', () => {
    const own = (one: { templates: Templates }) =>
      namesIn(one.templates).filter((name) => !SHARED.test(name) && !TITLES.test(name));
    const [mine, theirs, others] = [own(plain), own(seoul), own(tokyo)];
    // Each queue has a parameter, and stacks export values that other stacks use.
    expect(mine.length).toBeGreaterThan(12);
    expect(theirs.length).toBe(mine.length);
    for (const name of theirs) expect(name).toContain('seoul');
    expect(mine.filter((name) => theirs.includes(name))).toEqual([]);
    expect(theirs.filter((name) => others.includes(name))).toEqual([]);
  });

  it('is in the namespace of metrics and alarms, and in a tag for the bill', () => {
    const namespaces = ({ templates }: { templates: Templates }) => {
      const alarms = resources(templates, 'AWS::CloudWatch::Alarm').map(
        ({ Properties }) => Properties.Namespace,
      );
      const functions = resources(templates, 'AWS::Lambda::Function').map(
        ({ Properties }) => Properties.Environment?.Variables.POWERTOOLS_METRICS_NAMESPACE,
      );
      const all = [...alarms, ...functions].filter((name) => name !== undefined && !/^AWS\//.test(name));
      return [...new Set(all)];
    };
    expect(namespaces(plain)).toEqual(['Bartizan']);
    expect(namespaces(seoul)).toEqual(['Bartizan/seoul']);
    const [dashboard] = resources(seoul.templates, 'AWS::CloudWatch::Dashboard');
    const shown = JSON.stringify(dashboard?.Properties.DashboardBody);
    expect(shown).toContain('Bartizan/seoul');
    expect(shown).not.toContain('\\"Bartizan\\"');
    const [table] = resources(seoul.templates, 'AWS::DynamoDB::Table');
    expect(table?.Properties.Tags).toContainEqual({ Key: 'deployment', Value: 'seoul' });
    const [topic] = resources(seoul.templates, 'AWS::SNS::Topic');
    expect(topic?.Properties.DisplayName).toBe('Bartizan alarms (seoul)');
  });

  it.each(['Seoul', '2nd', 'a_b', 'a-', '', 'a'.repeat(21), 'a/b'].filter(Boolean))(
    'cannot be %s',
    (name) => {
      expect(() => deployed(name)).toThrow(`-c name=${name}: a name has 20 characters at most`);
    },
  );
});
