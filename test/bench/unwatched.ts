import type { BootWatcher } from '../../lava/client/boot-job.js'

/** A boot that nobody looks at. */
export const UNWATCHED: BootWatcher = {
  uploads() {},
  uploaded() {},
  uploadEnded() {},
  submitted() {},
  event() {},
  cancelled() {},
}
