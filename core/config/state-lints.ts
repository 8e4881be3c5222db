import type { AdapterKinds } from '../registry.ts';
import { quoted } from '../text/suggestions.ts';
import type { Draft } from './draft.ts';
import { errorAt, type Finding } from './problem.ts';

/** State that several machines share needs samples that they share: whoever takes over evaluates rules on all of them. */
export function* stateLints({ state, store }: Draft, { states, stores }: AdapterKinds): Generator<Finding> {
  if (!state?.value || !store.value) return;
  const { type } = state.value;
  const isShared = states.find((one) => one.type === type)?.isShared === true;
  const isLocal = stores.find((one) => one.type === store.value?.type)?.isLocal === true;
  if (!isShared || !isLocal) return;
  yield errorAt(
    ['state', 'type'],
    `${quoted(type)} shares state among machines, but the store ${quoted(store.value.type)} keeps samples on one`,
    'a standby needs the samples as well; write `store: { type: prometheus, url: … }` with a Prometheus-compatible server that all of them reach',
  );
}
