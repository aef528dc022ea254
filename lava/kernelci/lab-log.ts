/** The output of a pull lab: a line for each event, or the same as JSON. */

import { printable, type Terminal } from '../terminal/terminal.js'

export interface LabEntry {
  readonly message: string
  readonly board?: string
  /** id of the node */
  readonly job?: string
  readonly level?: 'info' | 'warning' | 'error'
  /** for programs */
  readonly details?: Readonly<Record<string, unknown>>
}

export type LabLog = (entry: LabEntry) => void

/** Lines on standard error: `2026-11-23T12:00:00.000Z a80-1 66c0ffee...: claimed`. With `json`, on standard output. */
export function labLog(terminal: Terminal, json: boolean, now: () => Date = () => new Date()): LabLog {
  return ({ message, board, job, level = 'info', details }) => {
    const time = now().toISOString()
    if (json) {
      terminal.print(JSON.stringify({ time, level, board, job, message, ...details }))
      return
    }
    const subject = [board, job].filter(word => word !== undefined).join(' ')
    const words = level === 'info' ? message : `${level}: ${message}`
    terminal.note(`${time} ${subject === '' ? '' : `${subject}: `}${printable(words).replace(/\s*\n\s*/g, ' ')}`)
  }
}
