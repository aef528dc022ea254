/** Where the agent under load listens, in a network namespace of its own, and the token that it takes. */

export const HOST = '127.0.0.1'
export const PORTS = { http: 8080, telnet: 2323, tftp: 69 } as const
export const TOKEN = 'soak'

/** All of 127.0.0.0/8 is this machine, so clients can come from as many addresses as a lab has machines. */
export const addressOf = (index: number): string => `127.0.0.${1 + (index % 200)}`
