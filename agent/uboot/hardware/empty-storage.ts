/** A machine without disks. */

import type { Storage } from './storage.js'

export const EMPTY_STORAGE: Storage = {
  devices: async () => [],
  list: async () => null,
  size: async () => null,
  read: async () => 0,
}
