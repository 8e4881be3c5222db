import type { Config } from '../core/model/config.ts';
import { climbingMemory, type NodeModel, steadyMemory } from './fleet/node-model.ts';

/** The node that the demo is about; the others keep their values. */
export const CLIMBING_NODE = 'seoul-2';
/** Milliseconds since the start of the fleet. */
export const STORY = { climbMs: 8_000, topMs: 20_000, fallMs: 46_000, endMs: 50_000 };

/** The models of the demo's nodes, in the order of the configuration. */
export function demoModels(config: Pick<Config, 'clusters'>): NodeModel[] {
  const nodes = config.clusters.flatMap((cluster) => cluster.nodes);
  return nodes.map(({ name }, i) => {
    const seed = i + 1;
    const memory = name === CLIMBING_NODE ? climbingMemory(STORY, seed) : steadyMemory(48 + i * 4, seed);
    return { name, seed, memory };
  });
}
