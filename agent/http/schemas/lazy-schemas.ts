/**
 * Fastify would compile every schema before it listens, and load two compilers for that. The few queries of this API
 * are checked by hand instead, and responses need no schema.
 */

import type { FastifySchemaCompiler, FastifySerializerCompiler, FastifyServerOptions } from 'fastify'

/** The schema of a parameter, as far as the queries of this API use JSON Schema. */
interface ParameterSchema {
  readonly type?: string
  readonly enum?: readonly string[]
}

/**
 * Only queries are checked here. Path parameters are strings, which the look-up itself checks;
 * bodies are read by the parsers of `agent/boot`, which name the wrong value.
 */
const compileValidator: FastifySchemaCompiler<{ readonly properties?: Readonly<Record<string, ParameterSchema>> }> =
  ({ schema: { properties = {} }, httpPart }) =>
  query => {
    if (httpPart !== 'querystring') return true
    for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
      const expected = Object.hasOwn(properties, name) ? properties[name] : undefined
      if (expected === undefined) return refused(`${name} is unknown; known: ${Object.keys(properties).join(', ')}`)
      if (typeof value !== 'string') return refused(`${name} must be given once`)
      if (expected.enum?.includes(value) === false) return refused(`${name} must be one of ${expected.enum.join(', ')}`)
      if (expected.type !== 'integer') continue
      if (!/^\d{1,15}$/.test(value)) return refused(`${name} must be a whole number`)
      query[name] = Number(value)
    }
    return true
  }

const refused = (reason: string) => ({ error: new Error(`query: ${reason}`) })

/** Answers are plain data, made by typed code: nothing is left for a schema to take out. */
const serializeAsJson: FastifySerializerCompiler<unknown> = () => data => JSON.stringify(data)

type Controller = NonNullable<FastifyServerOptions['schemaController']>

/** To be given to Fastify. With these it never loads compilers of its own. */
export const LAZY_SCHEMAS: Controller = {
  // Fastify's types of these are those of its default compilers; it calls them as the types used above say.
  compilersFactory: {
    buildValidator: () => compileValidator,
    buildSerializer: () => serializeAsJson,
  } as unknown as Controller['compilersFactory'],
}

/** Responses by status, for the documents. Their types come from `agent/boot`. */
export const answers = (byStatus: Readonly<Record<string, object>>): unknown => byStatus
