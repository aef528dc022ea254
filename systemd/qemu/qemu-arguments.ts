/** The command line of QEMU for a board: all of it comes from the board's data. */

import { fault } from '../../agent/errors.js'
import type { Board } from '../boards/board.js'

/** What a board boots from: a kernel that QEMU loads, or an SD card with the real boot loader. */
export type BootSource =
  | { readonly kernel: string; readonly initrd: string; readonly dtb: string | null; readonly cmdline: string }
  | {
      readonly sd: string
      /** the card's file keeps what the board writes, and this file lists each write (Linux, log-writes.rst) */
      readonly writes?: string
    }

export interface QemuSettings {
  readonly source: BootSource
  /** instead of the board's own, MiB */
  readonly memoryMiB?: number
  /** TCP port on the host's loopback and on the board; with host port 0, the system chooses */
  readonly forward: { readonly host: number; readonly board: number }
  /** image of a disk, `/dev/vda` on a machine of QEMU's own invention; the file itself never changes */
  readonly disk?: string
  /** folder that QEMU's TFTP server, 10.0.2.2, serves to the board */
  readonly tftpDir?: string
  /** properties of the machine, such as `{ 'card-detect': 'off' }` */
  readonly machineProperties?: Readonly<Record<string, string>>
  /**
   * The board's clock advances by 2^N nanoseconds with each instruction, and in real time only while all CPUs wait: a slow
   * host cannot make it miss a deadline. All CPUs then share one core of the host.
   */
  readonly instructionClock?: number
  /** wait for a saved state instead of starting: QMP's `migrate-incoming` brings it */
  readonly incoming?: boolean
}

/**
 * Arguments for `qemu-system-arm`. The console is on stdin and stdout, QMP on file descriptor 3.
 *
 * @throws BOARD_DATA if the board cannot be emulated
 */
export function qemuArguments(board: Board, settings: QemuSettings): string[] {
  const { qemu } = board
  if (qemu === undefined) {
    throw fault('BOARD_DATA', {
      file: `${board.name}.json`,
      where: '/qemu',
      reason: 'is missing: QEMU does not emulate this board',
    })
  }
  const { forward, disk, tftpDir, machineProperties = {}, instructionClock, incoming = false } = settings
  const properties = Object.entries(machineProperties).map(([name, value]) => `${name}=${escapeComma(value)}`)
  const netdev = [
    'user',
    'id=net0',
    `hostfwd=tcp:127.0.0.1:${forward.host}-:${forward.board}`,
    ...(tftpDir === undefined ? [] : [`tftp=${escapeComma(tftpDir)}`]),
  ]
  const silent = Array.from({ length: qemu.serial }, () => ['-serial', 'null']).flat()
  return [
    ...['-M', [qemu.machine, ...properties].join(',')],
    ...(qemu.cpu === undefined ? [] : ['-cpu', qemu.cpu]),
    ...['-smp', String(qemu.cpus), '-m', String(settings.memoryMiB ?? qemu.memoryMiB)],
    ...(instructionClock === undefined ? [] : ['-icount', `shift=${instructionClock}`]),
    ...['-nodefaults', '-display', 'none'],
    ...['-netdev', netdev.join(',')],
    ...(qemu.nic === undefined ? ['-net', 'nic,netdev=net0'] : ['-device', `${qemu.nic},netdev=net0`]),
    ...(disk === undefined ? [] : ['-drive', `${unchanged(disk)},if=none,id=disk0`]),
    ...(disk === undefined ? [] : ['-device', 'virtio-blk-device,drive=disk0']),
    ...['-chardev', 'stdio,id=console,signal=off', ...silent, '-serial', 'chardev:console'],
    ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
    ...(incoming ? ['-incoming', 'defer'] : []),
    ...sourceArguments(settings.source),
  ]
}

function sourceArguments(source: BootSource): string[] {
  if ('sd' in source) {
    const { writes } = source
    if (writes !== undefined) {
      const card = ['file.driver=file', `file.filename=${escapeComma(source.sd)}`]
      const log = ['log.driver=file', `log.filename=${escapeComma(writes)}`]
      return ['-drive', ['driver=blklogwrites', ...card, ...log, 'if=sd'].join(',')]
    }
    return ['-drive', `${unchanged(source.sd)},if=sd`]
  }
  const dtb = source.dtb === null ? [] : ['-dtb', source.dtb]
  return ['-kernel', source.kernel, '-initrd', source.initrd, ...dtb, '-append', source.cmdline]
}

/** QEMU never writes to the file: it keeps changes in a temporary one until it ends. */
function unchanged(file: string): string {
  return `file=${escapeComma(file)},format=raw,snapshot=on`
}

/** QEMU ends an option's value at a comma unless it is doubled. */
function escapeComma(value: string): string {
  return value.replaceAll(',', ',,')
}
