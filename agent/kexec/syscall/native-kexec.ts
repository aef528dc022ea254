/** `Kexec` for the running kernel: the addon, with its errors translated to those of the table and explained. */

import * as native from '../../../native/index.js'
import { type FauxbootError, fault } from '../../errors.js'
import type { Kexec } from './kexec.js'

/** The part of `native/index.ts` that is needed here. */
export type NativeCalls = Pick<
  typeof native,
  'load' | 'unload' | 'loaded' | 'sync' | 'linkDown' | 'armWatchdog' | 'jump'
>

/**
 * What an errno of a call means, and what to change. Measured on Debian's armmp kernels; each sentence follows the order of
 * the kernel's own checks.
 */
const REASONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kexec_load: {
    EPERM:
      'the agent may not load a kernel: give it CAP_SYS_BOOT (run it as root), and check that /proc/sys/kernel/kexec_load_disabled is 0; once set to 1, only a reboot of the first stage clears it',
    ENOSYS: 'the first stage has no kexec: build its kernel with CONFIG_KEXEC=y',
    EADDRNOTAVAIL:
      'a segment is not page aligned or ends beyond the address space, or the flags ask for a crash kernel and none is reserved: correct the addresses, or remove KEXEC_ON_CRASH',
    EINVAL:
      'this kernel does not know a flag or the architecture in the flags; or segments overlap, lie outside System RAM of /proc/iomem, or take more than half of RAM; or the kernel cannot stop its other CPUs: correct the plan, send a smaller ramdisk, or boot the first stage with nr_cpus=1',
    EFAULT: 'the bytes of a segment went away during the call: do not detach, shrink or truncate an artifact in use',
    EBUSY: 'another process is using kexec: try again when it has finished',
    ENOMEM:
      'there is no memory for the copies that the kernel makes of all segments: send a smaller ramdisk, or delete artifacts',
  },
  reboot: {
    EPERM: 'the agent may not reboot: give it CAP_SYS_BOOT (run it as root, outside any container)',
    EINVAL: 'no image is loaded, or the kernel has no kexec, or the agent runs in a PID namespace of its own',
    EBUSY: 'another process is using kexec: try again when it has finished',
  },
  'ioctl SIOCGIFFLAGS': {
    ENODEV: 'there is no such network interface: compare with /sys/class/net',
  },
  'ioctl SIOCSIFFLAGS': {
    EPERM: 'the agent may not change network interfaces: give it CAP_NET_ADMIN (run it as root)',
    ENODEV: 'the network interface went away during the call',
  },
  // Only watchdogs are opened here.
  open: {
    EBUSY:
      'another program owns the watchdog: remove RuntimeWatchdogSec= from the settings of systemd on the first stage, or leave out the option watchdog',
    EACCES: 'the agent may not open the watchdog: run it as root',
    ENOENT:
      'there is no such watchdog: load its driver on the first stage, and do not set PrivateDevices= in the unit of the agent',
  },
  'ioctl WDIOC_SETTIMEOUT': {
    EINVAL: 'the driver does not allow this timeout: ask for another one',
    EOPNOTSUPP: 'the driver cannot change its timeout: leave out the option watchdog',
    ENOTTY: 'the device is not a watchdog',
  },
  'open memory': {
    EPERM: 'the agent may not read physical memory: give it CAP_SYS_RAWIO',
    EACCES: 'the agent may not open /dev/mem: run it as root',
    ENOENT:
      'the first stage has no /dev/mem: build its kernel with CONFIG_DEVMEM=y, and do not set PrivateDevices= in the unit of the agent',
  },
  'mmap memory': {
    EPERM:
      'the kernel keeps this memory for itself: the first stage must be booted with a device tree that reserves it with no-map',
  },
  socket: {
    EAFNOSUPPORT: 'the agent may not open a socket: allow AF_INET in RestrictAddressFamilies= of its unit',
    EMFILE: 'the agent has too many open files: raise LimitNOFILE= of its unit',
  },
}

/**
 * The error of the table for a system call that failed.
 *
 * @param failed the system call, the whole call as text, and the kernel's errno
 */
export function kexecFault(
  failed: { syscall: string; call: string; errname: string; errno: number },
  cause?: unknown,
): FauxbootError {
  const { syscall, call, errname, errno } = failed
  const reason = REASONS[syscall]?.[errname] ?? `for which ${syscall} has no known reason; see the kernel's log`
  return fault('KEXEC_SYSCALL', { call, errname, errno, reason }, cause)
}

/** Translate an error of `native/index.ts` to one of the table. Any other error is returned unchanged. */
export function asKexecFault(thrown: unknown): unknown {
  if (thrown instanceof native.NativeError) return kexecFault(thrown, thrown)
  if (thrown instanceof native.NativeArgumentError) {
    return fault('KEXEC_ARGUMENT', { call: thrown.call, reason: thrown.reason }, thrown)
  }
  if (thrown instanceof native.AddonError) return fault('KEXEC_ADDON', { reason: thrown.message }, thrown)
  return thrown
}

/** Wrap a call so that it rejects with errors of the table. */
function translated<A extends unknown[], R>(call: (...args: A) => Promise<R> | R): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await call(...args)
    } catch (thrown) {
      throw asKexecFault(thrown)
    }
  }
}

/**
 * `Kexec` for the running kernel. The addon is loaded by the first call: without it every call rejects with KEXEC_ADDON,
 * and the rest of the agent works.
 *
 * Calls reject with KEXEC_ARGUMENT for arguments that no kernel accepts, and with KEXEC_SYSCALL if this kernel refuses.
 *
 * @param calls the addon; tests pass a replacement
 */
export function createNativeKexec(calls: NativeCalls = native): Kexec {
  return {
    load: translated(calls.load),
    unload: translated(calls.unload),
    loaded: translated(() => calls.loaded()),
    sync: translated(calls.sync),
    linkDown: translated(calls.linkDown),
    armWatchdog: translated(calls.armWatchdog),
    jump: translated(calls.jump),
  }
}
