import { TooManySamplesError } from '../core/sample-store.ts';

/** Undefined where the store holds more samples than the query allows. */
export async function unlessTooMany<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TooManySamplesError) return undefined;
    throw error;
  }
}
