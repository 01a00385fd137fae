/** A plugin's HTTP routes, called without a server: a request made of arguments, and a response that keeps the answer. */

import { within } from './deadline.mjs'
import { ActionFailedError, plain } from './plain.mjs'

const HTTP_ERROR = 400
const ANSWER_MS = 30_000
const UNANSWERED = 'its handler has ended without an answer'

/** Return the JSON Schema of a route's arguments; the names in its path (`/todos/:id`) are required ones. */
export function routeSchema(route) {
  const names = [...String(route.path).matchAll(/:(\w+)/g)].map((found) => found[1])
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string', description: 'A part of the path.' }]))
  properties.query = { type: 'object', description: 'The parameters behind the question mark.', additionalProperties: true }
  if (verb(route) !== 'GET') properties.body = { description: 'What is sent, as JSON.' }
  return { type: 'object', properties, ...(names.length > 0 ? { required: names } : {}), additionalProperties: false }
}

/** Return the name of a route as an action: `GET_api_time`. */
export const routeName = (route) => `${verb(route)}_${String(route.path).replace(/[/:]+/g, '_').replace(/^_+|_+$/g, '') || 'root'}`

/** Whether a route can be called: not one that serves the files of a folder. */
export function isCallable(route) {
  return typeof route?.handler === 'function' && verb(route) !== 'STATIC' && !String(route.path).includes('*')
}

const verb = (route) => String(route.type ?? 'GET').toUpperCase()

/**
 * Call a route and return the body of its answer. Raises ActionFailedError for a status of 400 and above.
 * @param {object} route
 * @param {object} args
 * @param {object} runtime
 * @param {() => string} why what else failed, in parentheses, for such an error
 */
export async function callRoute(route, args, runtime, why = () => '') {
  const response = new MadeUpResponse()
  const returned = await Promise.race([
    response.ended,
    Promise.resolve(route.handler(requestOf(route, args), response, runtime)).then((value) => (
      // One that answers later has not ended its response; a value that it returns is its answer.
      value === undefined || value === response ? within(ANSWER_MS, response.ended, UNANSWERED) : response.send(value).ended
    )),
  ])
  const body = plain(returned)
  if (response.statusCode < HTTP_ERROR) return body
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  throw new ActionFailedError(`HTTP ${response.statusCode}${text && `: ${text}`}${why()}`)
}

function requestOf(route, args) {
  const { query = {}, body = {}, ...params } = args
  const path = String(route.path).replace(/:(\w+)/g, (_, name) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)])).toString()
  const url = search ? `${path}?${search}` : path
  const headers = { 'content-type': 'application/json', accept: 'application/json', host: 'localhost' }
  const request = {
    method: verb(route), path, url, originalUrl: url, query, body, params, headers,
    get: (name) => headers[String(name).toLowerCase()],
    on: () => request,
  }
  return request
}

/** What handlers use of Express' and Node's responses. */
class MadeUpResponse {
  constructor() {
    this.statusCode = 200
    this.headersSent = false
    this.headers = {}
    this._parts = []
    this.ended = new Promise((resolve) => { this._resolve = resolve })
  }

  status(code) {
    this.statusCode = code
    return this
  }

  sendStatus(code) {
    return this.status(code).send('')
  }

  writeHead(code, headers) {
    return this.status(code).set(headers ?? {})
  }

  set(name, value) {
    Object.assign(this.headers, typeof name === 'object' ? name : { [name]: value })
    return this
  }

  setHeader(name, value) {
    return this.set(name, value)
  }

  header(name, value) {
    return this.set(name, value)
  }

  getHeader(name) {
    return this.headers[name]
  }

  type(value) {
    return this.set('content-type', value)
  }

  write(part) {
    this._parts.push(part)
    return true
  }

  json(value) {
    return this.send(value)
  }

  end(value) {
    return this.send(value)
  }

  redirect(...to) {
    return this.send({ location: to.at(-1) })
  }

  sendFile(path) {
    return this.send({ file: path })
  }

  send(value) {
    this.headersSent = true
    const parts = this._parts.length > 0 ? [...this._parts, ...(value === undefined ? [] : [value])].map(String).join('') : value
    this._resolve(parts ?? null)
    return this
  }
}
