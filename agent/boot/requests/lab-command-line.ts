/** The command line of LAVA and KernelCI jobs, whose formats leave it to the device type. */

/** The settings that replace a device type. */
export interface LabDefaults {
  /** `ttyS0,115200n8`; empty if there is none */
  readonly console: string
  /** further arguments of this board: `earlycon=uart,mmio32,0x7000000`; may be empty */
  readonly kernelArgs: string
}

/**
 * The command line that LAVA's `base-uboot` template makes for `commands: ramdisk`, which KernelCI's own jobs rely on:
 * `console=ttyS0,115200n8 root=/dev/ram0 ARGS OF THE BOARD ARGS OF THE JOB ip=dhcp`.
 *
 * @param extra arguments of the job
 */
export function labCommandLine({ console, kernelArgs }: LabDefaults, extra = ''): string {
  const parts = [
    console === '' ? '' : `console=${console}`,
    'root=/dev/ram0',
    kernelArgs.trim(),
    extra.trim(),
    'ip=dhcp',
  ]
  return parts.filter(part => part !== '').join(' ')
}

/** The console with another device or speed: `ttyS0,115200n8` at 9600 is `ttyS0,9600n8`. */
export function adaptConsole(console: string, { device, baud }: { device?: string; baud?: number }): string {
  const [name = '', mode = ''] = console.split(/,(.*)/s)
  const speed = baud === undefined ? mode : mode.replace(/^\d*/, String(baud))
  return [device ?? name, speed].filter(part => part !== '').join(',')
}
