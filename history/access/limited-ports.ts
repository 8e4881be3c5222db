import type { Matcher } from '../../core/model/silence.ts';
import type { Target } from '../../core/model/target.ts';
import type { HistoryPorts } from '../ports.ts';
import { may, type Principal } from '../principal.ts';
import { ForbiddenError } from './forbidden.ts';
import { limitConfig, withoutSecrets } from './limited-config.ts';
import { limitState } from './limited-state.ts';
import { limitStore } from './limited-store.ts';
import { createSight, type Sight } from './sight.ts';

/** Selectors whose fleets are remembered; tokens are few. */
const MOST_SELECTORS = 100;

/**
 * Ports that answer what a principal may see: with a selector, as if there were nothing else. What a route reads of them it
 * may show.
 */
export function createLimitedPorts(ports: HistoryPorts): (principal: Principal) => HistoryPorts {
  const sights = new Map<string, { targets: readonly Target[]; sight: Sight }>();

  async function sightOf(selector: readonly Matcher[]): Promise<Sight> {
    const key = JSON.stringify(selector);
    const targets = await ports.targets();
    const known = sights.get(key);
    if (known?.targets === targets) return known.sight;
    const sight = createSight(selector, targets);
    if (sights.size >= MOST_SELECTORS) sights.clear();
    sights.set(key, { targets, sight });
    return sight;
  }

  return (principal) => {
    const config = async () => withoutSecrets(await ports.config());
    const { selector } = principal;
    if (selector === undefined) {
      const { findAuditLines, ...others } = ports;
      return {
        ...others,
        config,
        state: withinScope(ports.state, principal),
        ...(findAuditLines && may(principal, 'admin') && { findAuditLines }),
      };
    }
    const sight = () => sightOf(selector);
    const { clock, logger, meter, recordAction, draw } = ports;
    // Each port by name, so that a new one is hidden until it is limited. Audit and health are about the whole fleet.
    return {
      clock,
      logger,
      meter,
      recordAction,
      ...(draw && { draw }),
      config: async () => limitConfig(await config(), await sight(), selector),
      targets: async () => (await sight()).targets,
      store: limitStore(ports.store, sight),
      state: withinScope(limitState(ports.state, { selector, sight }), principal),
    };
  };
}

/** Routes check scopes themselves, so as to answer well; this holds if one forgets it. */
function withinScope(state: HistoryPorts['state'], principal: Principal): HistoryPorts['state'] {
  if (may(principal, 'silence')) return state;
  const refuse = async () => {
    throw new ForbiddenError(`${principal.name} may read only; silences need a token of scope silence`);
  };
  return { ...state, putSilence: refuse, expireSilence: refuse };
}
