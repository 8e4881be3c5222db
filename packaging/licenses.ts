// The licences of packages whose code a package contains. Most ask that their text comes along.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';

const LICENSE_FILE = /^(licen[cs]e|notice)/i;
/** A title of Markdown, `## License` or underlined, and all until the next one. */
const README_SECTION = /^(?:#+ *licen[cs]e\b.*|licen[cs]e\n-+)\n([\s\S]+?)(?=^#|(?![\s\S]))/im;

/**
 * Name, version, licence and its text: of files, of the README, or of this project for the same licence.
 * @throws Error when a package has none
 */
export function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const names = readdirSync(folder);
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').trim();
  const texts = names.filter((file) => LICENSE_FILE.test(file)).map(read);
  if (texts.length === 0) {
    const readme = names.find((file) => /^readme/i.test(file));
    const section = readme && README_SECTION.exec(read(readme))?.[1]?.trim();
    if (section) texts.push(section);
    else if (license === 'Apache-2.0') texts.push(readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim());
    else throw new Error(`${folder}: it has no text of its licence, neither as a file nor in its README`);
  }
  return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n');
}
