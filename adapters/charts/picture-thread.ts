import type { PictureOrder } from '../../core/chart/series.ts';
import type { Picture } from '../../core/model/notification.ts';

export type Drawn = Omit<Picture, 'url'>;

/** Draws one picture after the other. */
export interface PictureThread {
  /** Called again only after the last answer. A picture that fails leaves the thread as it was. */
  draw(order: PictureOrder): Promise<Drawn>;
  /** False once it has died. */
  isAlive(): boolean;
  /** Frees everything at once; a picture in progress is rejected or never answered. */
  end(): void;
}
