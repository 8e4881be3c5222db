/** Logical size; the picture has twice as many pixels. In a chat preview of 400 px a letter of 20 is still read. */
export const WIDTH = 1000;
export const HEIGHT = 500;
export const SCALE = 2;
/** Where titles and legend begin. */
export const LEFT = 24;

export const FONT = 'Pretendard JP';
export const FALLBACK_FONTS = [
  'Noto Sans SC',
  'DejaVu Sans',
  'Noto Sans Thai',
  'Noto Sans Devanagari',
  'Noto Emoji',
] as const;
export const TEXT = 20;

export const COLORS = {
  background: '#15181e',
  text: '#eceef2',
  dim: '#a0a6b1',
  grid: '#2c313a',
  firing: '#ff6b6b',
  pending: '#ffb84d',
  resolved: '#4fd18b',
} as const;

/** Breaching series: warm. Of each palette every two are told apart without one kind of cone too: theme.test.ts. */
export const BREACHING = ['#ff6b6b', '#ffb84d', '#ff9ecf', '#e8590c', '#ffe8cc'] as const;
/** Their neighbours: cold, and thinner. */
export const NEIGHBOURS = ['#4dabf7', '#63e6be', '#9775fa', '#c5f6fa', '#868e96'] as const;
