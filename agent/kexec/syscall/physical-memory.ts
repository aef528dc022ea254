/** Physical memory that the running kernel does not use. */

import * as native from '../../../native/index.js'
import { asKexecFault } from './native-kexec.js'

export interface PhysicalMemory {
  /**
   * @param address a multiple of the page size
   * @param size bytes, a multiple of the page size
   * @returns a copy
   */
  read(address: number, size: number): Uint8Array
  /** @param bytes whole pages */
  write(address: number, bytes: Uint8Array): void
}

/**
 * The memory of this machine. Calls throw KEXEC_SYSCALL if the kernel refuses, and KEXEC_ADDON without the addon.
 *
 * @param device `/dev/mem`; a plain file in tests
 */
export function createPhysicalMemory(device?: string): PhysicalMemory {
  const translated = <T>(call: () => T): T => {
    try {
      return call()
    } catch (thrown) {
      throw asKexecFault(thrown)
    }
  }
  return {
    read: (address, size) => translated(() => native.readMemory(address, size, device)),
    write: (address, bytes) => translated(() => native.writeMemory(address, bytes, device)),
  }
}
