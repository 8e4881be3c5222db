// Two deployments in one account and region: nothing that one of them names is a name of the other.
import { describe, expect, it } from 'vitest';
import { valueText } from './policy-text.ts';
import { defineExample, type Resource, resources, type Templates, templatesOf } from './synth.ts';

function deployed(name?: string) {
  const { app, stacks } = defineExample(name === undefined ? {} : { context: { name } });
  const names = app.node.children.flatMap((child) => ('stackName' in child ? [String(child.stackName)] : []));
  return { names, templates: templatesOf(stacks) };
}

/** What an account holds once: given names, and exports of its region. CloudFormation makes up the rest, from the stack. */
function namesIn(templates: Templates): string[] {
  const all = Object.values(templates).map((template) => template.toJSON());
  const given = all.flatMap(({ Resources }) =>
    Object.values(Resources as Record<string, Resource>).flatMap(({ Type, Properties = {} }) =>
      Object.entries(Properties).flatMap(([field, value]) =>
        // A policy of this kind is a role's own.
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

/** What many deployments name alike and none of them owns. */
const SHARED =
  /^(Errors|Throttles|Approximate\w+|AWS\/\w+|[a-z_]+(_total|_seconds|_overdue|_unseen|_absent)|expiresAt|history)$/;
/** Shown to people; it is no name that a second one could take. */
const TITLES = /^Bartizan alarms/;

describe('a name', () => {
  const [plain, seoul, tokyo] = [deployed(), deployed('seoul'), deployed('tokyo-2')];

  it('is that of the stacks; without one they have the names of before', () => {
    expect(plain.names).toEqual(['BartizanNetwork', 'BartizanData', 'BartizanHistory', 'BartizanPipeline']);
    expect(deployed('bartizan').names).toEqual(plain.names);
    expect(seoul.names).toEqual(plain.names.map((name) => name.replace('Bartizan', 'Bartizan-seoul-')));
  });

  it('is in that of the parameter that names its table', () => {
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

  it('is in all that an account holds once', () => {
    const own = (one: { templates: Templates }) =>
      namesIn(one.templates).filter((name) => !SHARED.test(name) && !TITLES.test(name));
    const [mine, theirs, others] = [own(plain), own(seoul), own(tokyo)];
    // A queue each has a parameter, and stacks export what others use.
    expect(mine.length).toBeGreaterThan(12);
    expect(theirs.length).toBe(mine.length);
    for (const name of theirs) expect(name).toContain('seoul');
    expect(mine.filter((name) => theirs.includes(name))).toEqual([]);
    expect(theirs.filter((name) => others.includes(name))).toEqual([]);
  });

  it('is where functions count and alarms look, and what bills can be split by', () => {
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
    'is refused: %s',
    (name) => {
      expect(() => deployed(name)).toThrow(`-c name=${name}: a name has 20 characters at most`);
    },
  );
});
