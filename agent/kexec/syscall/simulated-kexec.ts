/**
 * A kernel without a board, for tests and the simulator. `SimulatedKernel` answers `kexec_load(2)` and `reboot(2)` with
 * the errno values measured on 32-bit ARM (`test/unit/agent/kexec/syscall/kexec-load-errno.json`). `createSimulatedKexec`
 * gives it the interface `Kexec`, with the checks and error messages of a board.
 */

import { constants } from 'node:os'
import { checkLoad, describeLoad, SEGMENT_MAX } from '../../../native/index.js'
import { contains, overlap, type Range, totalLength } from '../layout/ranges.js'
import type { Kexec, KexecSegment } from './kexec.js'
import { asKexecFault, kexecFault } from './native-kexec.js'

/** Properties of the simulated kernel. */
export interface SimulatedKernelOptions {
  /** System RAM; default: 1 GiB at 0x40000000, like QEMU's `virt` */
  readonly ram?: readonly Range[]
  /** whether the caller has CAP_SYS_BOOT; default true */
  readonly capable?: boolean
  /** `/proc/sys/kernel/kexec_load_disabled`; default false */
  readonly disabled?: boolean
  /** more than one possible CPU and no way to stop the others; default false */
  readonly unstoppableCpus?: boolean
}

/** A loaded image. The buffers are the caller's, not copies. */
export interface SimulatedImage {
  readonly entry: number
  readonly segments: readonly KexecSegment[]
  readonly flags: number
}

/** `EPERM` and so on. Results of calls also have 0 for success. */
export type Errname = keyof typeof constants.errno

const PAGE = 0x1000
const EM_ARM = 40
const KEXEC_ON_CRASH = 1
const ADDRESS_LIMIT = 2 ** 32

const rangeOf = ({ mem, memsz }: KexecSegment): Range => ({ start: mem, end: mem + memsz })

/** The checks of `kexec_load(2)` in the order of Linux 6.1 on 32-bit ARM; the first broken one decides. */
const LOAD_RULES: readonly {
  readonly errname: Errname
  broken(image: SimulatedImage, kernel: SimulatedKernel): boolean
}[] = [
  { errname: 'EPERM', broken: (_, kernel) => !kernel.capable || kernel.disabled },
  { errname: 'EINVAL', broken: ({ flags }) => (flags & 0xffff & ~KEXEC_ON_CRASH) !== 0 },
  { errname: 'EINVAL', broken: ({ segments }) => segments.length > SEGMENT_MAX },
  { errname: 'EINVAL', broken: ({ flags }) => ![0, EM_ARM].includes(flags >>> 16) },
  // No memory is reserved for a crash kernel.
  { errname: 'EADDRNOTAVAIL', broken: ({ segments, flags }) => segments.length > 0 && (flags & KEXEC_ON_CRASH) !== 0 },
  {
    errname: 'EADDRNOTAVAIL',
    broken: ({ segments }) => segments.some(({ mem, memsz }) => mem % PAGE !== 0 || memsz % PAGE !== 0),
  },
  {
    errname: 'EADDRNOTAVAIL',
    broken: ({ segments }) => segments.some(segment => rangeOf(segment).end >= ADDRESS_LIMIT),
  },
  {
    errname: 'EINVAL',
    broken: ({ segments }) =>
      segments.some((a, index) => segments.slice(0, index).some(b => overlap(rangeOf(a), rangeOf(b)) !== null)),
  },
  { errname: 'EINVAL', broken: ({ segments }) => segments.some(({ buffer, memsz }) => buffer.length > memsz) },
  // Half of RAM, in one segment or together: the kernel copies all of them.
  {
    errname: 'EINVAL',
    broken: ({ segments }, { ram }) => totalLength(segments.map(rangeOf)) > totalLength(ram) / 2,
  },
  { errname: 'EINVAL', broken: ({ segments }, kernel) => segments.length > 0 && kernel.unstoppableCpus },
  {
    errname: 'EINVAL',
    broken: ({ segments }, { ram }) => segments.some(segment => !ram.some(range => contains(range, rangeOf(segment)))),
  },
  // The kernel reads the first word of every segment; a buffer without bytes (empty or detached) has no address.
  { errname: 'EFAULT', broken: ({ segments }) => segments.some(({ buffer }) => buffer.length === 0) },
]

/** The bare system calls, with only the checks of the kernel. */
export class SimulatedKernel {
  readonly ram: readonly Range[]
  capable: boolean
  disabled: boolean
  unstoppableCpus: boolean
  /** the loaded image; a failed load does not change it */
  image: SimulatedImage | null = null

  constructor(options: SimulatedKernelOptions = {}) {
    this.ram = options.ram ?? [{ start: 0x40000000, end: 0x80000000 }]
    this.capable = options.capable ?? true
    this.disabled = options.disabled ?? false
    this.unstoppableCpus = options.unstoppableCpus ?? false
  }

  /** `kexec_load(2)`; without segments it unloads. */
  kexecLoad(entry: number, segments: readonly KexecSegment[], flags: number): 0 | Errname {
    const image = { entry, segments, flags }
    const rule = LOAD_RULES.find(({ broken }) => broken(image, this))
    if (rule !== undefined) return rule.errname
    this.image = segments.length === 0 ? null : image
    return 0
  }

  /** `reboot(LINUX_REBOOT_CMD_KEXEC)`: returns 0 where the real call does not return. */
  rebootKexec(): 0 | Errname {
    if (!this.capable) return 'EPERM'
    return this.image === null ? 'EINVAL' : 0
  }
}

/** A call that was made, successful or not. */
type SimulatedKexecCall =
  | { readonly method: 'unload' | 'loaded' | 'sync' | 'jump' | 'feed' | 'disarm' }
  | { readonly method: 'armWatchdog'; readonly device: string; readonly seconds: number }
  | { readonly method: 'linkDown'; readonly ifname: string }
  | ({ readonly method: 'load' } & SimulatedImage)

export interface SimulatedKexec extends Kexec {
  /** in order; may be emptied */
  readonly calls: SimulatedKexecCall[]
  /** the kernel that answers; its properties may be changed */
  readonly kernel: SimulatedKernel
  /** resolves with the image of a successful jump; the promise of `jump()` itself never settles */
  readonly jumped: Promise<SimulatedImage>
  /**
   * Make the next call of a method fail, once. Failures for the same method queue up.
   *
   * @param error an error to throw, or an errno to report as the kernel's answer
   */
  failNext(method: SimulatedKexecCall['method'], error: Error | Errname): void
}

export interface SimulatedKexecOptions extends SimulatedKernelOptions {
  /** the existing network interfaces; by default, every name exists */
  readonly links?: readonly string[]
}

/** The system call of each method, for errors; `feed` and `disarm` are those of an armed watchdog. */
const SYSCALLS: Readonly<Record<SimulatedKexecCall['method'], string>> = {
  load: 'kexec_load',
  unload: 'kexec_load',
  loaded: 'read',
  sync: 'sync',
  linkDown: 'ioctl SIOCGIFFLAGS',
  armWatchdog: 'open',
  feed: 'write',
  disarm: 'write',
  jump: 'reboot',
}

/** The checks and errors of `native/index.ts` before the call. */
function checkArguments({ entry, segments, flags }: SimulatedImage): KexecSegment[] {
  try {
    return checkLoad(entry, segments, flags, { pageSize: PAGE, addressBits: 32 })
  } catch (thrown) {
    throw asKexecFault(thrown)
  }
}

/** A simulated kernel with the interface of the real one. */
export function createSimulatedKexec(options: SimulatedKexecOptions = {}): SimulatedKexec {
  const kernel = new SimulatedKernel(options)
  const calls: SimulatedKexecCall[] = []
  const failures: { method: SimulatedKexecCall['method']; error: Error | Errname }[] = []
  let land: (image: SimulatedImage) => void
  const jumped = new Promise<SimulatedImage>(resolve => {
    land = resolve
  })

  /** Throw the error for the kernel's answer, unless it is 0. */
  const answer = (method: SimulatedKexecCall['method'], call: string, errname: 0 | Errname): void => {
    if (errname === 0) return
    throw kexecFault({ syscall: SYSCALLS[method], call, errname, errno: constants.errno[errname] })
  }

  /** Record a call, and make it fail if `failNext` says so. */
  const begin = (call: SimulatedKexecCall, text: string): void => {
    calls.push(call)
    const index = failures.findIndex(({ method }) => method === call.method)
    const [failure] = index < 0 ? [] : failures.splice(index, 1)
    if (failure === undefined) return
    if (typeof failure.error !== 'string') throw failure.error
    answer(call.method, text, failure.error)
  }

  return {
    calls,
    kernel,
    jumped,

    failNext(method, error) {
      failures.push({ method, error })
    },

    async load(entry, segments, flags) {
      const text = describeLoad(entry, segments, flags)
      begin({ method: 'load', entry, segments, flags }, text)
      const checked = checkArguments({ entry, segments, flags })
      answer('load', text, kernel.kexecLoad(entry, checked, flags))
    },

    async unload() {
      const text = describeLoad(0, [], 0)
      begin({ method: 'unload' }, text)
      answer('unload', text, kernel.kexecLoad(0, [], 0))
    },

    async loaded() {
      begin({ method: 'loaded' }, 'loaded()')
      return kernel.image !== null
    },

    async sync() {
      begin({ method: 'sync' }, 'sync()')
    },

    async linkDown(ifname) {
      const text = `linkDown(${JSON.stringify(ifname)})`
      begin({ method: 'linkDown', ifname }, text)
      answer('linkDown', text, options.links?.includes(ifname) === false ? 'ENODEV' : 0)
    },

    async armWatchdog(device, seconds) {
      begin({ method: 'armWatchdog', device, seconds }, `armWatchdog(${JSON.stringify(device)}, ${seconds})`)
      return {
        timeout: seconds,
        feed: () => begin({ method: 'feed' }, 'feed()'),
        disarm: () => begin({ method: 'disarm' }, 'disarm()'),
      }
    },

    async jump() {
      const text = 'reboot(LINUX_REBOOT_CMD_KEXEC)'
      begin({ method: 'jump' }, text)
      answer('jump', text, kernel.rebootKexec())
      const { image } = kernel
      if (image !== null) land(image)
      // The first stage is gone.
      return new Promise<never>(() => undefined)
    },
  }
}
