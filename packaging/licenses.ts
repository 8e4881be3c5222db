// The licences of packages whose code a package contains. Most ask that their text comes along.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';

const LICENSE_FILE = /^(licen[cs]e|notice)/i;
/** A title of Markdown, `## License` or underlined, and all until the next one. */
const README_SECTION = /^(?:#+ *licen[cs]e\b.*|licen[cs]e\n-+)\n([\s\S]+?)(?=^#|(?![\s\S]))/im;

/** A section of a README that is shorter names a licence, and is not its text. */
const LEAST_CHARACTERS = 200;
/** https://spdx.org/licenses/MIT.html */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;

/**
 * Name, version, licence and its text: of files, of the README, or, where a package only names MIT or Apache-2.0, the text that
 * this licence has everywhere.
 * @throws Error when a package has none
 */
export function licenseOf(folder: string): string {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as {
    name: string;
    version: string;
    license?: string;
    author?: string | { name: string };
  };
  const names = readdirSync(folder);
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').trim();
  const texts = names.filter((file) => LICENSE_FILE.test(file)).map(read);
  if (texts.length === 0) {
    const readme = names.find((file) => /^readme/i.test(file));
    const section = readme && README_SECTION.exec(read(readme))?.[1]?.trim();
    if (section && section.length >= LEAST_CHARACTERS) texts.push(section);
    else if (license === 'Apache-2.0') texts.push(readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim());
    else if (license === 'MIT') {
      const holder = typeof author === 'object' ? author.name : author;
      texts.push(`Copyright (c) ${holder ?? `the authors of ${name}`}\n\n${MIT}`);
    } else throw new Error(`${folder}: it has no text of its licence, neither as a file nor in its README`);
  }
  return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n');
}
