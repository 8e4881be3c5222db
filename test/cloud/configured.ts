// The configuration of the fake deployment. Functions read it as on AWS, from sections in the bucket.
import { createFleet } from '../../adapters/inventory/fleet.ts';
import { createKeptFleet, type KnownFleet } from '../../adapters/inventory/kept-fleet.ts';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { describeDeployed } from '../../core/deployment/deployed.ts';
import { expandConfig, type SettingsWithFleet } from '../../core/deployment/expanded.ts';
import { parameterNames } from '../../core/deployment/parameter-names.ts';
import type { Config } from '../../core/model/config.ts';
import type { Clock, Logger, Meter } from '../../core/ports.ts';
import { createActivation } from '../../functions/activation.ts';
import { createConfiguration } from '../../functions/configuration.ts';
import { writeSections } from '../../functions/expanded-sections.ts';
import type { Services } from '../../functions/services.ts';
import { CONFIG_KEY, type MemoryBucket } from '../memory-bucket.ts';
import type { Fault } from './faults.ts';

export type Configured = Pick<Services, 'activate' | 'config' | 'publicSettings' | 'fleet' | 'knownFleet'>;

/**
 * The state that each container has of its own. A text is uploaded, and `plan` activates it; a parsed configuration is
 * already active.
 */
export function createConfigured(options: {
  config: Config | string;
  slices: number;
  ports: { bucket: MemoryBucket; clock: Clock; logger: Logger; meter: Meter };
}): (fault?: Pick<Fault, 'unconfigured'>) => Configured {
  const { config, slices, ports } = options;
  const { bucket, clock } = ports;
  const release = 'test';
  const made = { release, uploaded: '', writtenAtMs: clock.nowMs(), slices };
  const given =
    typeof config === 'string' ? undefined : writeSections(bucket, expandConfig(config, slices), made);
  if (typeof config === 'string') bucket.putText(CONFIG_KEY, config);
  const activate = createActivation(CONFIG_KEY, { ...ports, deployed: deployedOf(config), slices, release });
  return (fault: Pick<Fault, 'unconfigured'> = {}) => {
    const configuration = createConfiguration(CONFIG_KEY, { bucket, clock });
    let known: { version: string; current: () => Promise<KnownFleet<SettingsWithFleet>> } | undefined;
    const load = async <T>(part: () => Promise<{ value: T }>): Promise<T> => {
      await given;
      return (await part()).value;
    };
    return {
      async activate() {
        const isInForce = !fault.unconfigured && (given !== undefined || (await activate()));
        configuration.expire();
        return isInForce;
      },
      config: () => load(configuration.settings),
      publicSettings: () => load(configuration.publicSettings),
      async knownFleet() {
        await given;
        const all = await configuration.fleet('all');
        if (known?.version !== all.version) {
          const config = await load(async () => all);
          const current = createKeptFleet({
            config,
            sources: [],
            kept: { load: async () => undefined },
            clock,
          });
          known = { version: all.version, current };
        }
        return known.current();
      },
      async fleet(of) {
        return createFleet({ config: await load(() => configuration.fleet(of)), sources: [], ...ports });
      },
    };
  };
}

/** The stacks were deployed with the first configuration. */
function deployedOf(config: Config | string): ReturnType<typeof describeDeployed> | undefined {
  if (typeof config !== 'string') return describeDeployed(config, parameterNames(config).logins);
  const result = parseConfig(config, { file: 'deployed', kinds: KINDS, baseDir: '/' });
  return result.ok ? describeDeployed(result.config, parameterNames(result.config).logins) : undefined;
}
