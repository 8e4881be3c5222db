/** Logical size; the picture has twice as many pixels. In a chat preview of 400 px a letter of 20 is still read. */
export const WIDTH = 1000;
export const HEIGHT = 500;
export const SCALE = 2;

export const FONT = 'Pretendard JP';
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

/** Breaching series: warm, apart in lightness, so that they differ without red-green vision. */
export const BREACHING = ['#ff6b6b', '#ffb84d', '#ff9ecf', '#ffd9a8', '#ff8787'] as const;
/** Their neighbours: cold (Okabe and Ito's blue, green and sky, lightened for a dark ground). */
export const NEIGHBOURS = ['#4dabf7', '#5fc9a8', '#9f9cf5', '#8fd3f4', '#7f8ea3'] as const;
