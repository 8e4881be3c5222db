import type { ChartTheme } from '../../core/model/chart-theme.ts';

/** Logical size; the picture has twice as many pixels. In a chat preview of 400 px a letter of 20 is still read. */
export const WIDTH = 1000;
export const HEIGHT = 500;
export const SCALE = 2;
/** Where titles and legend begin. */
export const LEFT = 24;

/** The Latin letters of Pretendard JP: a text that needs no more is laid out in 0.1 ms instead of 3. */
export const FONT = 'Bartizan Sans';
export const FALLBACK_FONTS = [
  'Pretendard JP',
  'Noto Sans SC',
  'DejaVu Sans',
  'Noto Sans Thai',
  'Noto Sans Devanagari',
  'Noto Emoji',
] as const;
export const TEXT = 20;

export interface Theme {
  background: string;
  text: string;
  dim: string;
  grid: string;
  firing: string;
  pending: string;
  resolved: string;
  history: string;
  /** Breaching series: warm. Of each palette every two are told apart without one kind of cone too: theme.test.ts. */
  breaching: readonly string[];
  /** Their neighbours: cold, and thinner. */
  neighbours: readonly string[];
  /** How strongly regions are coloured, of what they are on the dark ground: on a bright one the same looks fainter. */
  wash: number;
}

export const THEMES: Record<ChartTheme, Theme> = {
  dark: {
    background: '#15181e',
    text: '#eceef2',
    dim: '#a0a6b1',
    grid: '#2c313a',
    firing: '#ff6b6b',
    pending: '#ffb84d',
    resolved: '#4fd18b',
    history: '#4dabf7',
    breaching: ['#ff6b6b', '#ffb84d', '#ff9ecf', '#e8590c', '#ffe8cc'],
    neighbours: ['#4dabf7', '#63e6be', '#9775fa', '#c5f6fa', '#868e96'],
    wash: 1,
  },
  light: {
    background: '#ffffff',
    text: '#1b1f27',
    dim: '#5a6270',
    grid: '#e3e6eb',
    firing: '#d92d20',
    pending: '#b26a00',
    resolved: '#12804a',
    history: '#1971c2',
    breaching: ['#d92d20', '#a3127a', '#5c1a00', '#d6336c', '#9c36b5'],
    neighbours: ['#1971c2', '#087f5b', '#7048e8', '#0c4a6e', '#6b7280'],
    wash: 0.8,
  },
};
