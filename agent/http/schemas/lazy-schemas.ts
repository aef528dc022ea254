/**
 * Fastify compiles every schema before it listens, and loads two compilers for that. Here a schema is compiled when a
 * request first needs it, which most never do.
 */

import type {
  FastifySchemaCompiler,
  FastifySchemaValidationError,
  FastifySerializerCompiler,
  FastifyServerOptions,
  SafePromiseLike,
} from 'fastify'

/** Resolves if the query fits its schema; rejects with a sentence about the mismatch. */
type Check = (query: object) => Promise<void>

/**
 * Only queries are checked here. Path parameters are strings, which the look-up itself checks;
 * bodies are read by the parsers of `agent/boot`, which name the wrong value.
 */
const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (httpPart !== 'querystring') return () => true
  let compiled: Promise<Check> | undefined
  return (query: object) => {
    // No query of this API is required.
    if (Object.keys(query).length === 0) return true
    compiled ??= compile(schema)
    // Fastify marks the promises in its types so that linters know them.
    return compiled.then(check => check(query)) as PromiseLike<void> as SafePromiseLike<void>
  }
}

async function compile(schema: object): Promise<Check> {
  const { Ajv } = await import('ajv')
  const validate = new Ajv({ coerceTypes: true }).compile(schema)
  return async query => {
    if (!validate(query)) throw new Error((validate.errors ?? []).map(describeError).join('; '))
  }
}

function describeError({ instancePath, message, params }: FastifySchemaValidationError): string {
  const name = instancePath === '' ? 'the query' : instancePath.slice(1)
  const values = params.allowedValues ?? params.additionalProperty ?? ''
  return `${name} ${message} ${values === '' ? '' : JSON.stringify(values)}`.trimEnd()
}

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
