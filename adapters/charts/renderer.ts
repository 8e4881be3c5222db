import { fileURLToPath } from 'node:url';
import type { ChartSpec } from '../../core/chart/spec.ts';
import type { Picture } from '../../core/notify/model.ts';
import { renderSvg } from './svg.ts';
import { FONT, HEIGHT, SCALE, WIDTH } from './theme.ts';

export interface ChartRenderer {
  /** A PNG of 2000 × 1000 pixels. */
  render(spec: ChartSpec): Promise<Omit<Picture, 'url'>>;
}

const FONT_FILES = [
  'PretendardJP-Regular.otf',
  'PretendardJP-SemiBold.otf',
  'DejaVuSans.ttf',
  'NotoSansThai-Regular.ttf',
  'NotoSansDevanagari-Regular.ttf',
].map((name) => fileURLToPath(new URL(`fonts/${name}`, import.meta.url)));

/**
 * Draws charts with resvg. Only the fonts here are used: system fonts would make the picture depend on the machine,
 * and a wrong key or a missing file would leave out all text without an error.
 */
export function createChartRenderer(): ChartRenderer {
  return {
    async render(spec) {
      const { Resvg } = await import('@resvg/resvg-js');
      const image = new Resvg(renderSvg(spec), {
        fitTo: { mode: 'width', value: WIDTH * SCALE },
        font: { fontFiles: FONT_FILES, loadSystemFonts: false, defaultFontFamily: FONT },
      }).render();
      const png = image.asPng();
      // Native memory of a picture is freed by a macrotask; without one, a burst of pictures keeps them all.
      await new Promise<void>((resolve) => setImmediate(resolve));
      return { png, width: WIDTH * SCALE, height: HEIGHT * SCALE, alt: spec.alt };
    },
  };
}
