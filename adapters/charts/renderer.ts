import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ChartSpec } from '../../core/chart/spec.ts';
import type { TimelineSpec } from '../../core/chart/timeline.ts';
import type { Picture } from '../../core/model/notification.ts';
import { renderSvg } from './svg.ts';
import { FONT, HEIGHT, SCALE, WIDTH } from './theme.ts';
import { renderTimelineSvg } from './timeline.ts';

export interface ChartRenderer {
  /** A PNG of 2000 × 1000 pixels. */
  render(spec: ChartSpec): Promise<Omit<Picture, 'url'>>;
  /** A PNG that is 2000 pixels wide, and as high as its lanes need. */
  renderTimeline(spec: TimelineSpec): Promise<Omit<Picture, 'url'>>;
  /** Reads the library that draws, for a first picture that starts at once. */
  prepare(): Promise<void>;
}

/** Where a face lacks a letter, resvg takes the next that has it. See fonts/README.md. */
export const FONT_FILES = [
  'BartizanSans-Regular.otf',
  'BartizanSans-SemiBold.otf',
  'PretendardJP-Regular.otf',
  'PretendardJP-SemiBold.otf',
  'NotoSansSC-Han.ttf',
  'DejaVuSans.ttf',
  'NotoSansThai-Regular.ttf',
  'NotoSansDevanagari-Regular.ttf',
  'NotoEmoji-Regular.ttf',
].map((name) => fileURLToPath(new URL(`fonts/${name}`, import.meta.url)));

/**
 * Draws charts with resvg. Only the fonts here are used: system fonts would make the picture depend on the machine,
 * and a wrong key or a missing file would leave out all text without an error.
 */
export function createChartRenderer(): ChartRenderer {
  const collectYoung = youngCollection();
  const library = () => import('@resvg/resvg-js');
  const draw = async (svg: string, height: number, alt: string) => {
    const { Resvg } = await library();
    const image = new Resvg(svg, {
      fitTo: { mode: 'width', value: WIDTH * SCALE },
      font: { fontFiles: FONT_FILES, loadSystemFonts: false, defaultFontFamily: FONT },
    }).render();
    const png = image.asPng();
    collectYoung();
    // Finalizers, which free the native memory, run in a macrotask after the collection.
    await new Promise<void>((resolve) => setImmediate(resolve));
    return { png, width: WIDTH * SCALE, height: height * SCALE, alt };
  };
  return {
    async prepare() {
      await library();
    },
    render: (spec) => draw(renderSvg(spec), HEIGHT, spec.alt),
    renderTimeline(spec) {
      const { svg, height } = renderTimelineSvg(spec);
      return draw(svg, height, spec.alt);
    },
  };
}

/**
 * A collection of short-lived objects. V8 knows nothing of the eight megabytes that resvg holds for a picture, so that
 * it sees no reason to collect: a burst of 150 pictures kept up to 1 GB. With it they keep 0.15 GB.
 */
function youngCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof collect === 'function' ? () => collect({ type: 'minor' }) : () => {};
}
