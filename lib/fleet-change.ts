// Compares the fleet that is deployed under a name with the fleet of the next deployment.
import type { Config } from '../core/model/config.ts';
import { watchedHashes } from './deployment-record.ts';
import type { Deployed } from './last-deployment.ts';
import type { Settings } from './settings.ts';

export interface FleetSource {
  config: Config;
  file: string;
  settings: Settings;
}

/** Without this check, another fleet under the same name would replace the first. */
export function fleetProblems(last: Deployed | undefined, { config, file, settings }: FleetSource): string[] {
  if (last === undefined || settings.confirmed.includes('fleet')) return [];
  const gone = goneBastions(last, config);
  const clusters = watchedGone(last, config);
  const [noBastion, noCluster] = [
    gone.length > 0 && gone.length === last.bastions.length,
    clusters !== undefined && clusters.gone > 0 && clusters.gone === clusters.known,
  ];
  if (!noBastion && !noCluster) return [];
  const watched = clusters === undefined ? 'what is' : counted(clusters.count);
  const there = last.bastions.map(bastionText).join(', ');
  const [none, changed] = noBastion
    ? ['of these bastions', 'its bastions have moved']
    : ['of these clusters', 'its clusters have other names'];
  return [
    `the deployment \`${settings.name}\` monitors ${watched} behind ${there}, and ${file} has none ${none}: it would be ` +
      `replaced. Give this deployment a name of its own, \`-c name=…\`; where ${changed}, add \`-c confirm=fleet\``,
  ];
}

/** One line with everything that this deployment removes. */
export function fleetNotes(last: Deployed | undefined, { config, file }: FleetSource): string[] {
  if (last === undefined) return [];
  const clusters = watchedGone(last, config);
  const gone = [
    ...goneBastions(last, config).map((bastion) => `the bastion ${bastionText(bastion)}`),
    ...(clusters === undefined || clusters.gone === 0
      ? []
      : [
          `${clusters.known < clusters.count ? 'at least ' : ''}${clusters.gone} of ${counted(clusters.count)}`,
        ]),
  ];
  return gone.length === 0
    ? []
    : [`removed: ${gone.join(', ')}; they are not in ${file}, and will not be monitored`];
}

function goneBastions({ bastions }: Deployed, config: Config): Deployed['bastions'] {
  return bastions.filter(
    (one) =>
      !config.bastions.some(({ name, host }) =>
        one.host === undefined ? one.name === name : one.host === host,
      ),
  );
}

/** Undefined when an older release recorded none. For a large fleet `known` is less than `count`. */
function watchedGone(
  { remembered }: Deployed,
  config: Config,
): { gone: number; known: number; count: number } | undefined {
  if (remembered?.watched === undefined) return undefined;
  const { count, hashes } = remembered.watched;
  const now = new Set(watchedHashes(config));
  return { gone: hashes.filter((hash) => !now.has(hash)).length, known: hashes.length, count };
}

function bastionText({ name, host }: Deployed['bastions'][number]): string {
  return host === undefined ? name : `${name} (${host})`;
}

function counted(clusters: number): string {
  return clusters === 1 ? '1 cluster' : `${clusters} clusters`;
}
