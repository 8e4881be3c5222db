const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A page with one sentence, and the way to log in. */
export function loginPage(status: number, sentence: string): Response {
  const text = sentence.replace(/[&<>"']/g, (letter) => ESCAPED[letter] ?? letter);
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bartizan</title></head>
<body><p>${text}</p><p><a href="/login">Log in</a></p></body></html>
`;
  return new Response(html, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  });
}
