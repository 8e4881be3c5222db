import type { PictureOrder } from '../../core/chart/series.ts';
import type { Picture } from '../../core/notify/model.ts';

export type Drawn = Omit<Picture, 'url'>;

/** Something that draws one picture after the other. */
export interface PictureThread {
  /** Called again only after the last answer. A picture that fails leaves the thread as it was. */
  draw(order: PictureOrder): Promise<Drawn>;
  /** False once it has died. */
  isAlive(): boolean;
  /** Gives everything back, whatever it is at; what it was at is rejected, or never answered. */
  end(): void;
}
