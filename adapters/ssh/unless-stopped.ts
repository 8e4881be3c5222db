/** @throws the reason of `stop`, as soon as it comes */
export async function unlessStopped<T>(stop: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (!stop) return work();
  stop.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onStop = () => reject(stop.reason);
  stop.addEventListener('abort', onStop);
  try {
    return await Promise.race([work(), stopped]);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}
