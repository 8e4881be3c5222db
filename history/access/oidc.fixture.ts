// A browser that logs in to the history service, for tests.

import type { Provider } from '../../test/oidc-provider.ts';

/** Keeps cookies as a browser does, and follows nothing. */
export function createBrowser(fetch: (request: Request) => Response | Promise<Response>) {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async ask(path: string, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
      const response = await fetch(
        new Request(new URL(path, 'https://bartizan.example'), { ...init, headers }),
      );
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (/Max-Age=0\b/.test(line)) cookies.delete(name);
        else cookies.set(name, value);
      }
      return response;
    },
  };
}

export type Browser = ReturnType<typeof createBrowser>;

/** From the page that asks for a login back to ours; the answer there. */
export async function login(provider: Provider, browser: Browser, path = '/login'): Promise<Response> {
  const begun = await browser.ask(path);
  return browser.ask(provider.login(begun.headers.get('location') ?? '').href);
}
