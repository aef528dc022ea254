/** The path of a request's URL, which is what logs and errors show: a query may hold a token (RFC 6750 section 2.3). */
export function pathOf(url: string): string {
  const [path = ''] = url.split('?')
  return path
}
