/** How the views of jobs show states and times. */

import { h } from '../parts/dom.js'

/** A job's state, with its colour. */
export const stateBadge = (state: string): HTMLElement => h('span', { class: `state ${state}` }, state)

/** A time as people of this place write it. */
export const timeOf = (iso: string): string => new Date(iso).toLocaleString()
