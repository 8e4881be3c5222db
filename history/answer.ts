import type { Refusal } from './interfaces.ts';

/** Of the process of `up`. */
export const MOST_ANSWER_BYTES = 64 * 1024 ** 2;

export const TOO_LARGE: Refusal = {
  status: 413,
  code: 'too-large',
  message: 'the answer is too large; ask for a shorter range, a longer step or fewer series',
};

/**
 * The same answer with a body of so many bytes at most; undefined where its first chunk is longer already, and nothing was sent.
 * A body that turns out longer later breaks off. `end` is called once, when the body was read, failed, or is not wanted any more.
 */
export async function limitAnswer(
  response: Response,
  { mostBytes, end }: { mostBytes: number; end: () => void },
): Promise<Response | undefined> {
  const reader = response.body?.getReader();
  if (!reader) {
    end();
    return response;
  }
  const cancel = async (reason?: unknown) => {
    end();
    await reader.cancel(reason);
  };
  let bytes = 0;
  let ahead: Awaited<ReturnType<typeof reader.read>> | undefined = await reader.read();
  if (isTooLong(ahead.value)) {
    await cancel();
    return undefined;
  }

  function isTooLong(chunk: Uint8Array | undefined): boolean {
    return bytes + (chunk?.length ?? 0) > mostBytes;
  }

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = ahead ?? (await reader.read());
          ahead = undefined;
          if (isTooLong(value)) throw new Error(`the answer has more than ${mostBytes} bytes`);
          bytes += value?.length ?? 0;
          if (!done) return controller.enqueue(value);
          end();
          controller.close();
        } catch (error) {
          controller.error(error);
          await cancel(error).catch(() => {});
        }
      },
      cancel,
    },
    // Nothing is read before somebody asks for it.
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}
