import type { Message } from './messages.ts';

export interface Section {
  title: string;
  about: string;
  cases: readonly Case[];
}

export interface Case {
  what: string;
  message: Message;
  cause: string;
  cure: string;
}
