/** The signs of a boot's progress and failure on the console: tables, searched in each line. */

/**
 * How far the boot has come. `power-on`: real boot loader and first stage; `boot-loader`: the boot is typed there;
 * `handed-over`: the next kernel that begins is the target; `kernel`: it has begun; `userspace`: it has started init.
 */
export type Phase = 'power-on' | 'boot-loader' | 'handed-over' | 'kernel' | 'userspace'

/** Words for where something happened. */
export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  'power-on': 'before the target was started',
  'boot-loader': 'in the boot loader',
  'handed-over': 'before the kernel printed its version',
  kernel: 'in the kernel',
  userspace: 'in user space',
}

/** A line that shows the boot's progress. */
export interface Milestone {
  readonly name: 'bootloader' | 'starting-kernel' | 'linux-version' | 'userspace'
  readonly pattern: RegExp
  /** where it counts */
  readonly from: readonly Phase[]
  /** the next phase; without it, the phase stays */
  readonly to?: Phase
}

export const MILESTONES: readonly Milestone[] = [
  { name: 'bootloader', pattern: /Hit any key to stop/, from: ['power-on', 'boot-loader'] },
  { name: 'starting-kernel', pattern: /^Starting kernel \.\.\./, from: ['boot-loader'], to: 'handed-over' },
  { name: 'linux-version', pattern: /Linux version [0-9]/, from: ['handed-over'], to: 'kernel' },
  {
    name: 'userspace',
    pattern: /Run \S+ as init process|Freeing unused kernel (?:image|memory)|systemd\[1\]: /,
    from: ['handed-over', 'kernel'],
    to: 'userspace',
  },
]

/** A line that shows a failure. */
export interface BootSign {
  readonly id: string
  /** its meaning, for a sentence */
  readonly what: string
  readonly pattern: RegExp
  readonly phases: readonly Phase[]
  /** `fatal` ends the watch; `warning` is reported with the verdict and explains a later silence */
  readonly severity: 'fatal' | 'warning'
  /** `infrastructure`: the target is not to blame */
  readonly outcome: 'failed' | 'infrastructure'
}

const FIRST_STAGE: readonly Phase[] = ['power-on', 'boot-loader', 'handed-over']
const TARGET: readonly Phase[] = ['kernel', 'userspace']
const JUMPED: readonly Phase[] = ['handed-over', ...TARGET]

/** What U-Boot and LAVA's device types call an error; each ends a boot. */
const BOOT_LOADER_ERRORS: readonly RegExp[] = [
  /Resetting CPU/,
  /Must RESET board to recover/,
  /TIMEOUT/,
  /Retry count exceeded/,
  /Retry time exceeded; starting again/,
  /The remote end did not respond in time\./,
  /File not found/,
  /Bad Linux (?:ARM64|RISCV) Image magic!/,
  /Wrong Ramdisk Image Format/,
  /Ramdisk image is corrupt or invalid/,
  /ERROR: Failed to allocate/,
  /TFTP error: trying to overwrite reserved memory/,
  /Wrong Image Format for boot/,
  /ERROR: Did not find a cmdline Flattened Device Tree/,
  /ERROR: RD image overlaps OS image/,
  /kernel_comp_addr_r or kernel_comp_size is not provided/,
  /zimage: Bad magic/,
  /data abort/,
  /"Synchronous Abort" handler/,
]

/** The first that fits a line is meant. Patterns are as the kernels of the last ten years print them. */
export const BOOT_SIGNS: readonly BootSign[] = [
  {
    id: 'first-stage-panic',
    what: 'the first stage has crashed',
    pattern: /Kernel panic - not syncing|Internal error: |Unable to handle kernel/,
    phases: FIRST_STAGE,
    severity: 'fatal',
    outcome: 'infrastructure',
  },
  {
    id: 'boot-loader-error',
    what: 'the boot loader has failed',
    pattern: new RegExp(BOOT_LOADER_ERRORS.map(({ source }) => source).join('|')),
    phases: ['boot-loader'],
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'kernel-panic',
    what: 'kernel panic',
    // lib/panic.c; the lines before it come from the fault that led there
    pattern: /Kernel panic - not syncing/,
    phases: TARGET,
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'soft-lockup',
    what: 'a CPU is stuck',
    pattern: /BUG: soft lockup|(?:NMI watchdog|Watchdog detected|watchdog): .*hard LOCKUP/i,
    phases: TARGET,
    severity: 'warning',
    outcome: 'failed',
  },
  {
    id: 'rcu-stall',
    what: 'RCU stall',
    pattern: /rcu_\w+ (?:self-)?detected (?:expedited )?stalls?|rcu_\w+ kthread (?:timer wakeup didn't happen|starved)/,
    phases: TARGET,
    severity: 'warning',
    outcome: 'failed',
  },
  {
    id: 'hung-task',
    what: 'a task hangs',
    pattern: /INFO: task .{1,80} blocked for more than \d+ seconds/,
    phases: TARGET,
    severity: 'warning',
    outcome: 'failed',
  },
  {
    id: 'lockup',
    what: 'something is stuck',
    pattern: /BUG: (?:workqueue lockup|sleeping function called)/,
    phases: TARGET,
    severity: 'warning',
    outcome: 'failed',
  },
  {
    id: 'oops',
    what: 'kernel oops',
    pattern:
      /Internal error: |\bOops(?: -|:) |Unable to handle kernel|kernel BUG at |\bBUG: |Unhandled (?:fault|prefetch abort)|Bad mode in /,
    phases: TARGET,
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'kernel-warning',
    what: 'kernel warning',
    pattern: /WARNING: (?:CPU: \d+ |\S+ at )/,
    phases: TARGET,
    severity: 'warning',
    outcome: 'failed',
  },
  {
    id: 'out-of-memory',
    what: 'out of memory',
    pattern: /Out of memory: Kill(?:ed)? process|invoked oom-killer/,
    phases: TARGET,
    severity: 'warning',
    outcome: 'failed',
  },
  {
    id: 'emergency-shell',
    what: 'user space has given up',
    pattern: /You are in (?:emergency|rescue) mode|Dropping to a shell!|Give root password for maintenance/,
    phases: JUMPED,
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'reset',
    what: 'the board has reset',
    pattern: /U-Boot SPL 20[0-9][0-9]|^U-Boot 20[0-9][0-9]\.|^NOTICE: {2}BL(?:1|2|31): |^BROM/,
    phases: ['boot-loader', ...JUMPED],
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'reset',
    what: 'the board has reset',
    // The first stage again.
    pattern: /Hit any key to stop/,
    phases: TARGET,
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'reset',
    what: 'the board has reset',
    // The target's own banner came earlier; in user space it may be the output of dmesg.
    pattern: /^(?:\[ *0\.000000\] ?)?(?:Linux version [0-9]|Booting Linux on physical CPU)/,
    phases: ['kernel'],
    severity: 'fatal',
    outcome: 'failed',
  },
  {
    id: 'shutdown',
    what: 'the target has stopped itself',
    pattern: /reboot: (?:Restarting system|System halted|Power down)/,
    phases: TARGET,
    severity: 'fatal',
    outcome: 'failed',
  },
]
