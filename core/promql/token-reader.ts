// Reads the tokens of one query in order.

import { choose, quoted } from '../text/suggestions.ts';
import { errorAt } from './positions.ts';
import { QueryError } from './source.ts';
import { type Token, tokenize } from './tokens.ts';

export interface TokenReader {
  readonly query: string;
  /** The token that comes next, or `ahead` further. */
  peek(ahead?: number): Token;
  next(): Token;
  /** The next token when it is one of these keywords or punctuation marks, else undefined. */
  take(...texts: readonly string[]): Token | undefined;
  /** @throws QueryError when the next token is another */
  expect(text: string, alternative?: string, wanted?: string): Token;
  expectEnd(): void;
  /** Where the last token that was read ends. */
  lastTo(): number;
  /** An error at the next token, or at an offset. */
  error(message: string, offset?: number): QueryError;
  unexpected(token: Token, wanted: string): QueryError;
  /** An error for the name that comes next. */
  unknownFunction(why: string | undefined, known: readonly string[]): QueryError;
}

/** @throws QueryError */
export function createTokenReader(query: string, maxLength: number): TokenReader {
  if (query.length > maxLength) {
    throw new QueryError(
      'bad_data',
      `the query has ${query.length} characters; at most ${maxLength} are read`,
    );
  }
  const tokens = tokenize(query);
  const end = tokens[tokens.length - 1]!;
  let at = 0;

  const peek = (ahead = 0): Token => tokens[at + ahead] ?? end;
  const next = (): Token => tokens[at++] ?? end;
  const error = (message: string, offset = peek().from): QueryError => errorAt(query, offset, message);
  const unexpected = (token: Token, wanted: string): QueryError =>
    error(
      `unexpected ${token.kind === 'end' ? 'end of the query' : quoted(token.text)}, expected ${wanted}`,
      token.from,
    );

  return {
    query,
    peek,
    next,
    take(...texts) {
      const { kind, text } = peek();
      const isKeyword = kind === 'name' || kind === 'punctuation';
      return isKeyword && texts.includes(text.toLowerCase()) ? next() : undefined;
    },
    expect(text, alternative, wanted = `\`${text}\``) {
      const token = next();
      if (token.kind === 'punctuation' && token.text === text) return token;
      throw unexpected(token, alternative === undefined ? wanted : `${wanted} ${alternative}`);
    },
    expectEnd() {
      if (peek() !== end) throw unexpected(peek(), 'an operator or the end of the query');
    },
    lastTo: () => tokens[at - 1]?.to ?? 0,
    error,
    unexpected,
    unknownFunction(why, known) {
      const { text } = peek();
      if (why !== undefined) return error(`the function \`${text}\` ${why}`);
      return error(`unknown function ${quoted(text)}; ${choose(text, known, 'functions are')}`);
    },
  };
}
