import { findMetric, type Metric } from '../core/catalogue.ts';
import { formatMetricValue } from '../core/format.ts';
import type { Sample } from '../core/model/sample.ts';

/** While these are 1, others of the same check say the same, and more. */
const IMPLIED: ReadonlySet<string> = new Set([
  'apiserver_up',
  'apiserver_detail',
  'apiserver_live',
  'etcd_up',
  'tls_up',
  'tls_name_ok',
  'tls_chain_ok',
  'etcd_has_leader',
]);
/** Not by themselves: another text of the same check shows more of the state. */
const DETAILS: ReadonlySet<string> = new Set([
  'etcd_leader_changes',
  'etcd_proposals_failed',
  'etcd_db_in_use',
  'etcd_reclaimable',
  'etcd_members',
  'etcd_members_active',
  'etcd_quota',
]);
const EXPIRIES: ReadonlySet<string> = new Set(['cert_expiry', 'tls_cert_expiry']);

/** Texts of metrics whose value alone says too little, from the value as it is shown. */
const PHRASES: Readonly<Record<string, (shown: string) => string>> = {
  apiserver_detail: (shown) => `alive, the rest ${shown}`,
  apiserver_live_without_etcd: (shown) => `${shown} apart from etcd`,
  pki_unreadable: (shown) => `${shown} not readable`,
};

/** What a check found on a node, in one line: states by their names, numbers by their titles, certificates by their first to expire. */
export function findingText(samples: readonly Sample[]): string {
  const expiries = samples.filter(({ metric }) => EXPIRIES.has(metric));
  const isState = ({ metric }: Sample) => findMetric(metric)?.states !== undefined;
  const states = samples.filter(isState);
  const texts = [...states, ...samples.filter((sample) => !isState(sample))].flatMap((sample) =>
    textsOf(sample, samples.length > 1),
  );
  const first = expiries.toSorted((a, b) => a.value - b.value)[0];
  if (first) {
    const left = formatMetricValue(Math.abs(first.value), findMetric(first.metric));
    const when = first.value < 0 ? `${left} ago` : `in ${left}`;
    const number =
      expiries.length === 1 ? '1 certificate, expires' : `${expiries.length} certificates, the first expires`;
    texts.unshift(`${number} ${when}`);
  }
  texts.push(...membersText(samples));
  return texts.length === 0 ? '–' : texts.join(', ');
}

/** `2 of 3 members connected` */
function membersText(samples: readonly Sample[]): string[] {
  const valueIn = (name: string) => samples.find(({ metric }) => metric === name)?.value;
  const [all, active] = [valueIn('etcd_members'), valueIn('etcd_members_active')];
  if (all === undefined) return [];
  return [active === undefined ? `${all} members` : `${active} of ${all} members connected`];
}

function textsOf({ metric: name, labels, value }: Sample, hasOthers: boolean): string[] {
  const metric = findMetric(name);
  if (!metric || metric.group === 'check' || DETAILS.has(name)) return [];
  if (hasOthers && value === 1 && IMPLIED.has(name)) return [];
  const text = formatMetricValue(value, metric);
  const own = labels.phase ?? labels.name;
  if (own !== undefined) return [`${own} ${text}`];
  const phrase = PHRASES[name];
  if (phrase) return [phrase(text)];
  // All certificates share one text.
  if (name.includes('cert_')) return [];
  const where = labels.port ?? labels.file;
  const what = metric.unit === 'bool' && metric.states ? text : `${shortTitle(metric)} ${text}`;
  return [where === undefined ? what : `${where} ${what}`];
}

/** Without the name of the service, which the check has. */
function shortTitle({ title }: Metric): string {
  return title.replace(/^(?:etcd|API server|Served) /, '');
}
