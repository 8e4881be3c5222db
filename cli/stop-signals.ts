/** Signals that end a command which runs until then. The first asks it to end, the second to hurry. */
export interface StopSignals {
  first: Promise<void>;
  second: Promise<void>;
  /** Whether the first has come. */
  came(): boolean;
  /** From now on signals have their usual effect. */
  release(): void;
}

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function watchStopSignals(): StopSignals {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let asked = false;
  const onSignal = () => {
    if (asked) second.resolve();
    asked = true;
    first.resolve();
  };
  for (const name of NAMES) process.on(name, onSignal);
  return {
    first: first.promise,
    second: second.promise,
    came: () => asked,
    release() {
      for (const name of NAMES) process.off(name, onSignal);
    },
  };
}
